"""Proto text -> message, without the fields that inference can do without.

What a pipeline.config may hold that the messages here do not:

- fields that the OD API had and dropped, none with an effect on inference: let pass;
- fields unknown to parts that inference does not use: let pass;
- anything else unknown: refused, since it may change the graph;
- a field that is set twice: the last value holds, as in the OD API; noticed;
- quotes that a word processor has curled: read as straight ones; noticed.

What passes is taken out of the text before it is parsed, and listed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format

from validation.errors import ConfigError, did_you_mean
from validation.pipeline.curly_quotes import with_plain_quotes
from validation.pipeline.messages import TrainEvalPipelineConfig, enum_names
from validation.pipeline.outline import UnknownField, blanked, outline
from validation.root_cause import FaultKind, RootCause

# Fields of earlier versions of the OD API's ssd.proto, all of them about training.
_RETIRED = {
    ("SsdFeatureExtractor", "batch_norm_trainable"): "in the OD API until April 2018",
    ("Ssd", "weight_regression_loss_by_score"): "in the OD API of 2018",
    ("Ssd", "use_expected_classification_loss_under_sampling"): "moved into loss",
    ("Ssd", "minimum_negative_sampling"): "moved into loss",
    ("Ssd", "min_num_negative_samples"): "moved into loss",
    ("Ssd", "desired_negative_sampling_ratio"): "moved into loss",
}
# In these messages and below them an unknown field cannot reach inference.
_NOT_INFERENCE = {
    "CalibrationConfig",
    "CenterNet",
    "EvalConfig",
    "ExperimentalModel",
    "FasterRcnn",
    "Initializer",
    "InputReader",
    "Loss",
    "Matcher",
    "RegionSimilarityCalculator",
    "Regularizer",
    "TrainConfig",
}
# But this one chooses the weights, so what looks like its misspelling is refused.
_WEIGHTS_FIELD = ("EvalConfig", "use_moving_averages")
# A known name so alike is what was meant.
_LIKELY = 0.7


@dataclass(frozen=True)
class DroppedField:
    """A field of the text that is not in the message.

    Args:
        name: Dotted path from the root.
        line: From 1.
        reason: Why it could be dropped.
    """

    name: str
    line: int
    reason: str


@dataclass(frozen=True)
class ReadText:
    """A message, and what of the text is not in it.

    Args:
        message: A TrainEvalPipelineConfig; not to be changed.
        source: Name of the text, for errors.
        dropped: Retired or unknown fields, in the order of the text.
        skipped: Dotted paths of the parts whose content was not looked at.
        lines: Line of the first field of each dotted path; of one set again, of its last.
        notices: What was read otherwise than it is written, each with its line.
    """

    message: Any
    source: str
    dropped: tuple[DroppedField, ...]
    skipped: tuple[str, ...]
    lines: Mapping[str, int]
    notices: tuple[str, ...] = ()


def read_text(text: str, source: str) -> ReadText:
    """Parse a pipeline.config of any model.

    Args:
        text: Proto text (https://protobuf.dev/reference/protobuf/textformat-spec/).
        source: Name of the text, for errors.

    Raises:
        ConfigError: No proto text, or a field that is unknown and may matter.
    """
    text = text.removeprefix("\ufeff")
    before, zero, _ = text.partition("\0")
    if zero:
        line = before.count("\n") + 1
        raise ConfigError(
            "not a text file",
            expected="proto text",
            got="a zero byte",
            where=f"{source}, line {line}",
            next_step="give the pipeline.config, not a graph or a checkpoint",
        )
    text, quoted = with_plain_quotes(text)
    fields = outline(text, TrainEvalPipelineConfig.DESCRIPTOR, source)
    for field in fields.unknown:
        _refuse_misplaced(field, source)
    reasons = {field: _reason(field) for field in fields.unknown}
    fatal = next((field for field, reason in reasons.items() if reason is None), None)
    if fatal is None and fields.unclosed is not None:
        raise ConfigError(
            "the brace opened here is never closed", where=f"{source}, line {fields.unclosed}"
        )
    droppable = {field: reason for field, reason in reasons.items() if reason is not None}
    message = _parse(blanked(text, droppable), fatal, source)
    for name, other, line in fields.rivals:
        raise ConfigError(
            f"{name} and another member of oneof, {other!r}, are both set",
            expected="one of them",
            where=f"{source}, line {line}",
            next_step="remove the one that the model was not trained with",
        )
    if not fields.lines:
        raise ConfigError("the file is empty", where=f"{source}, line 1")
    return ReadText(
        message,
        source,
        tuple(
            DroppedField(field.dotted, field.line, reason)
            for field, reason in droppable.items()
            if field.owners[-1].fields
        ),
        # A message without fields stands for a part that is of no use here.
        tuple(dict.fromkeys(field.path for field in droppable if not field.owners[-1].fields)),
        fields.lines,
        (*quoted, *(field.describe() for field in fields.repeated)),
    )


def _parse(text: str, fatal: UnknownField | None, source: str) -> Any:
    message = TrainEvalPipelineConfig()
    try:
        # As the OD API reads a config: of a value that is given twice, the last one holds.
        return text_format.Merge(text, message)
    except RecursionError as error:
        raise ConfigError("the text is nested too deeply", where=source) from error
    except text_format.ParseError as error:
        line = error.GetLine() or 1
        complaint = re.sub(r"^\d+:\d+ : ", "", str(error)).rstrip(".")
        # Only where the parser stumbles over it too: behind an error of syntax the
        # outline may take a value for a name.
        if fatal is not None and re.match(
            rf'(Message type .* named|Extension) "{re.escape(fatal.name.strip("[]"))}"', complaint
        ):
            raise _unknown(fatal, source) from error
        # Some complaints begin with the whole line.
        quoted = text.split("\n")[line - 1]
        complaint = complaint.removeprefix(f"'{quoted}': ")
        raise ConfigError(
            f"the text cannot be parsed: {complaint}",
            where=f"{source}, line {line}",
            next_step=_closest_value(complaint),
        ) from error


def _closest_value(complaint: str) -> str | None:
    """Advice where a name stands for no value of its enum."""
    match = re.fullmatch(r'Enum type "(.+)" has no value named (\S+)', complaint)
    return did_you_mean(match[2], enum_names(match[1])) if match else None


def _reason(field: UnknownField) -> str | None:
    """Why a field may be dropped; None if it may not."""
    owner = field.owners[-1].name
    if (owner, field.name) in _RETIRED:
        return f"{_RETIRED[owner, field.name]}; without effect on inference"
    if owner == _WEIGHTS_FIELD[0] and difflib.get_close_matches(field.name, _WEIGHTS_FIELD[1:]):
        return None
    if any(descriptor.name in _NOT_INFERENCE for descriptor in field.owners):
        return f"unknown to {owner}; not used at inference"
    return None


def _refuse_misplaced(field: UnknownField, source: str) -> None:
    """Refuse a field of an outer message: with a brace missing, it would be lost in silence."""
    for name, line in ((field.name, field.line), *field.inner):
        for outer in field.owners[:-1]:
            if name in outer.fields_by_name:
                raise ConfigError(
                    f"{name!r} of {outer.name} is inside {field.path}",
                    where=f"{source}, line {line}",
                    next_step="a closing brace seems to be missing above it",
                )


def _unknown(field: UnknownField, source: str) -> ConfigError:
    owner = field.owners[-1]
    known = [each.name for each in owner.fields]
    where = f"{source}, line {field.line}, {field.dotted}"
    near = did_you_mean(field.name, known, cutoff=_LIKELY)
    return ConfigError(
        f"unknown field {field.name!r} in {owner.name}",
        where=where,
        next_step=did_you_mean(field.name, known) or "it has no fields",
        causes=[
            RootCause(
                FaultKind.UNKNOWN_FIELD,
                got=field.name,
                next_step=near or "remove it, or take a harness that knows it",
            )
        ],
    )
