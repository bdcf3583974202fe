"""When values of a file and of its reference are the same, and how much evidence a claim takes."""

from __future__ import annotations

from dataclasses import dataclass

from validation.policy.load import Policy


@dataclass(frozen=True)
class DifferenceRules:
    """The settings of the check `reference_contract`.

    Args:
        rounding: Distance of attributes and anchors that float32 explains.
        implied_rounding: Distance of boxes, and of anchors that boxes imply, that is none.
        implied_scale: Share of a box scale by which an implied one may differ.
        feed_steps: Distance of two normalisations that is none, in steps of 255.
        min_spread: A class whose raw scores move by less cannot be recognised by them.
        min_correlation: Of two columns of raw scores that may be one class.
        min_lead: By so much every other column has to correlate less.
        same_iou: Overlap from which two boxes may be one detection.
        same_score: Distance of scores up to which they may.
        min_pairs: Pairs of detections that a claim about classes takes.
        min_class_pairs: Of each class that is said to be another.
        min_share: Of the evidence that has to agree.
        score_rounding: Distance from 0 and 1 to which rounding takes a score.
        score_rmse: Distance of scores that one function explains.
    """

    rounding: float
    implied_rounding: float
    implied_scale: float
    feed_steps: float
    min_spread: float
    min_correlation: float
    min_lead: float
    same_iou: float
    same_score: float
    min_pairs: int
    min_class_pairs: int
    min_share: float
    score_rounding: float
    score_rmse: float

    @classmethod
    def of(cls, policy: Policy) -> DifferenceRules:
        """As a policy has them."""
        return cls(
            rounding=policy.setting("contract_rounding"),
            implied_rounding=policy.setting("contract_implied_rounding"),
            implied_scale=policy.setting("contract_implied_scale"),
            feed_steps=policy.setting("contract_feed_steps"),
            min_spread=policy.setting("class_min_spread"),
            min_correlation=policy.setting("class_min_correlation"),
            min_lead=policy.setting("class_min_lead"),
            same_iou=policy.setting("class_same_iou"),
            same_score=policy.setting("class_same_score"),
            min_pairs=int(policy.setting("class_min_pairs")),
            min_class_pairs=int(policy.setting("class_min_class_pairs")),
            min_share=policy.setting("class_min_share"),
            score_rounding=policy.setting("score_rounding"),
            score_rmse=policy.setting("score_rmse"),
        )
