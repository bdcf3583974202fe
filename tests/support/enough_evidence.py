"""Evidence that a verdict can rest on, for tests that take some of it away."""

from __future__ import annotations

from validation.comparison.evidence_rules import CalibrationEvidence, EvidenceFacts

ENOUGH = EvidenceFacts(
    images=200,
    objects={"cat": 80, "dog": 60},
    canaries=4,
    reference="frozen_inference_graph.pb of the archive",
    is_independent=True,
    routes=2,
    calibration=CalibrationEvidence(60, 0),
    unconfirmed=(),
)
