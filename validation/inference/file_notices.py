"""What was assumed, ignored or found wrong while a model file was opened and run: typed facts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from validation.files.structured import unstructure


class FileNoticeKind(enum.StrEnum):
    """What a notice is about."""

    FEED_DIFFERS = "feed_differs"
    FEED_FLAG_IGNORED = "feed_flag_ignored"
    INNER_RANGE_DIFFERS = "inner_range_differs"
    NORMALISATION_ASSUMED = "normalisation_assumed"
    RANGE_UNUSUAL = "range_unusual"
    METADATA_CONTRADICTS_ITSELF = "metadata_contradicts_itself"
    METADATA_UNUSABLE = "metadata_unusable"
    METADATA_UNREADABLE = "metadata_unreadable"
    METADATA_OTHER_INPUTS = "metadata_other_inputs"
    METADATA_OTHER_OUTPUTS = "metadata_other_outputs"
    EXPORT_DISAGREES = "export_disagrees"
    EXPORT_IGNORED = "export_ignored"
    OUTPUTS_IGNORED = "outputs_ignored"
    OUTPUTS_BY_SHAPE = "outputs_by_shape"
    OUTPUTS_BY_METADATA = "outputs_by_metadata"
    OUTPUTS_BY_SIGNATURE = "outputs_by_signature"
    COUNT_MISSING = "count_missing"
    ANCHORS_OF_REFERENCE = "anchors_of_reference"
    THRESHOLD_NOT_APPLIED = "threshold_not_applied"
    CALIBRATION_NOT_APPLIED = "calibration_not_applied"
    SCALE_UNUSABLE = "scale_unusable"
    SCALE_OF_ONE = "scale_of_one"
    INPUT_SCALE_OF_ONE = "input_scale_of_one"
    SCORES_COARSE = "scores_coarse"
    OPS_NOT_BUILT_IN = "ops_not_built_in"
    SCORES_ARE_LOGITS = "scores_are_logits"
    SCORES_ALL_EQUAL = "scores_all_equal"
    NOT_FINITE = "not_finite"


# The facts of a notice are filled in by name.
_SENTENCES: Mapping[FileNoticeKind, str] = {
    FileNoticeKind.FEED_DIFFERS: "the {dtype} input is fed {fed}; --feed={flag} would feed "
    "{other}: at most {steps} off, for {pixels} of the 256 values of a pixel",
    FileNoticeKind.FEED_FLAG_IGNORED: "--feed={flag} is for inputs of 8 bits, this one is {dtype}: "
    "ignored",
    FileNoticeKind.INNER_RANGE_DIFFERS: "pixels become {range}, and the file begins by quantising "
    "its input to {inner}, the range that it was calibrated with: one of them is wrong; "
    "--input_stats=MEAN/STD states another",
    FileNoticeKind.NORMALISATION_ASSUMED: "how pixels are normalised is not stated: figures hold "
    "for {stats} alone; --input_stats=MEAN/STD states it",
    FileNoticeKind.RANGE_UNUSUAL: "by {source} pixels become {range}: right where the model "
    "normalises inside, as some EfficientDets do, wrong for most extractors; "
    "--input_stats=127.5/127.5 feeds [-1, 1]",
    FileNoticeKind.METADATA_CONTRADICTS_ITSELF: "the metadata normalises pixels to {range} and "
    "says that the input is in {stated}: {range} is fed; --input_stats=MEAN/STD states another",
    FileNoticeKind.METADATA_UNUSABLE: "the normalisation of the metadata is ignored: mean {mean}, "
    "std {std}",
    FileNoticeKind.METADATA_UNREADABLE: "its metadata is ignored: {why}",
    FileNoticeKind.METADATA_OTHER_INPUTS: "the metadata describes {described} inputs and the file "
    "has {inputs}: {used}",
    FileNoticeKind.METADATA_OTHER_OUTPUTS: "the metadata does not describe the outputs that the op "
    "writes: {names}; read as the op writes them, while apps that go by metadata do not",
    FileNoticeKind.EXPORT_DISAGREES: "{contract} {where} wants pixels in {export}, the metadata in "
    "{metadata}: {used} is used",
    FileNoticeKind.EXPORT_IGNORED: "{contract} beside it is ignored: {why}",
    FileNoticeKind.OUTPUTS_IGNORED: "outputs that are none of a detector's are ignored: {names}",
    FileNoticeKind.OUTPUTS_BY_SHAPE: "the outputs are known by their shapes alone: {names}",
    FileNoticeKind.OUTPUTS_BY_METADATA: "the file has no post-processing op; its metadata says "
    "which output is which: {names}",
    FileNoticeKind.OUTPUTS_BY_SIGNATURE: "the file has no post-processing op; its signature says "
    "which output is which: {names}; classes are taken to count from 1 and boxes to be fractions "
    "of the image, as in SavedModels of the OD API",
    FileNoticeKind.COUNT_MISSING: "the file gives no count of detections: every slot with a score "
    "above 0 is read",
    FileNoticeKind.ANCHORS_OF_REFERENCE: "the file ends in raw outputs and has no anchors and "
    "attributes: those of the reference are used",
    FileNoticeKind.THRESHOLD_NOT_APPLIED: "the metadata's score threshold of {threshold:g} is not "
    "applied here; the Task Library drops lower scores",
    FileNoticeKind.CALIBRATION_NOT_APPLIED: "the metadata's score calibration ({transformation}, "
    "default score {default:g}) is not applied: scores are as the file gives them, an app's are "
    "others",
    FileNoticeKind.SCALE_UNUSABLE: "{name} ({role}) has scale {scale}: {consequence}",
    FileNoticeKind.SCALE_OF_ONE: "{name} ({role}) is quantised with scale {scale:g}, zero point "
    "{zero_point}: {consequence}",
    FileNoticeKind.INPUT_SCALE_OF_ONE: "the input has scale 1, zero point {zero_point}: it stands "
    "for {range}, right only where the model normalises inside",
    FileNoticeKind.SCORES_COARSE: "{name} (scores) has {values} values in [0, 1] (scale "
    "{scale:.4g}, zero point {zero_point}): what they rank is mostly ties",
    FileNoticeKind.OPS_NOT_BUILT_IN: "{ops}: {what}",
    FileNoticeKind.SCORES_ARE_LOGITS: "the scores are logits, from {lowest:.3g} to {highest:.3g} "
    "on {images} images: no score converter was found",
    FileNoticeKind.SCORES_ALL_EQUAL: "all {detections} detections have the score {score:.3f}: the "
    "scores are degenerate and rank nothing",
    FileNoticeKind.NOT_FINITE: "NaN or infinity in the detections of {images} images",
}


@dataclass(frozen=True)
class FileNotice:
    """One thing to know about how a model file was read, fed or what it gave.

    Args:
        kind: What it is about.
        facts: Numbers and names by what they are; the sentence is made of them.
        moves_figures: True where another reading would give other figures.
        not_trusted: True where figures of the file say nothing.
    """

    kind: FileNoticeKind
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    moves_figures: bool = False
    not_trusted: bool = False

    def describe(self) -> str:
        """One sentence."""
        text = _SENTENCES[self.kind].format(**self.facts)
        return f"not to be trusted: {text}" if self.not_trusted else text

    def as_json(self) -> dict[str, Any]:
        """Its fields, and the sentence as ``text``."""
        return {
            "kind": self.kind.value,
            "facts": unstructure(dict(self.facts)),
            "moves_figures": self.moves_figures,
            "not_trusted": self.not_trusted,
            "text": self.describe(),
        }
