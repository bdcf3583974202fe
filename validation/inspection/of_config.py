"""What a pipeline.config says of an SSD: what matters, and what is not read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from validation.errors import ConfigError
from validation.graphs.anchors import PyramidAnchors, anchor_generator
from validation.graphs.families import FAMILIES, network_name, unknown_extractor
from validation.graphs.quant.options import quantisation_options
from validation.graphs.unsupported import refuse_unsupported
from validation.inspection.preprocessing import (
    PreprocessingFacts,
    describe_preprocessing,
    usual_preprocessing,
)
from validation.pipeline.config import PipelineConfig, load_pipeline
from validation.pipeline.reader import DroppedField
from validation.specs.contracts import INPUT_NAME
from validation.specs.tensors import TensorSpec

# Parts of a config, by the name of a field, that only training reads.
_TRAINING_ONLY = frozenset(
    {
        "class_prediction_bias_init",
        "decay",
        "delay",
        "dropout_keep_probability",
        "encode_background_as_zeros",
        "eval_input_config",
        "eval_input_reader",
        "freeze_batchnorm",
        "implicit_example_weight",
        "initializer",
        "inplace_batchnorm_update",
        "loss",
        "matcher",
        "negative_class_weight",
        "normalize_loc_loss_by_codesize",
        "normalize_loss_by_num_matches",
        "regularizer",
        "replace_preprocessor_with_placeholder",
        "similarity_calculator",
        "symmetric",
        "train_config",
        "train_input_config",
        "train_input_reader",
        "use_confidences_as_targets",
        "use_dropout",
    }
)
# Of eval_config, the only field that inference reads: it chooses the weights.
_EVAL = "eval_config"
_EVAL_FIELD = "eval_config.use_moving_averages"

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class ConfigField:
    """A field that the graph depends on.

    Args:
        name: Dotted path from the root.
        value: As proto text has it.
        line: Where it is first set in the file.
    """

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class AnchorFacts:
    """The anchor generator.

    Args:
        generator: Its message.
        per_cell: Anchors in each cell of each feature map.
        count: In all; None where it depends on the extractor's feature maps.
    """

    generator: str
    per_cell: tuple[int, ...]
    count: int | None


@dataclass(frozen=True)
class QuantisationFacts:
    """graph_rewriter.quantization: the model was trained with FakeQuant nodes.

    Args:
        weight_bits: Of the weights' ranges.
        activation_bits: Of all other ranges.
    """

    weight_bits: int
    activation_bits: int


@dataclass(frozen=True)
class ConfigFacts:
    """One pipeline.config; None for what it does not state in a usable way.

    Args:
        file: Folder and name.
        extractor: ``type`` of the feature extractor.
        depth_multiplier: Factor of every layer's channels.
        preprocessing: From an image to the extractor's input.
        num_classes: Without the background.
        anchors: The anchor generator.
        box_predictor: Its message.
        box_coder_scales: y, x, height, width.
        score_converter: IDENTITY, SIGMOID or SOFTMAX.
        logit_scale: Logits are divided by it.
        score_threshold: Lower scores never enter NMS.
        iou_threshold: Overlap above which the lower score is dropped.
        max_detections_per_class: Kept for each class.
        max_total_detections: Kept in all.
        quantised: None for a float model.
        use_moving_averages: The averages of the checkpoint are the weights.
        problems: Why no graph can be built from it, or none that TFLite takes.
        matters: Fields that the graph depends on, as they are set.
        ignored: Parts that only training reads, with their line.
        dropped: Fields that no message knows and that cannot matter.
        notices: What was read otherwise than it is written, each with its line.
    """

    file: str
    extractor: str
    depth_multiplier: float
    preprocessing: PreprocessingFacts | None
    num_classes: int | None
    anchors: AnchorFacts | None
    box_predictor: str
    box_coder_scales: tuple[float, float, float, float] | None
    score_converter: str
    logit_scale: float
    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int
    quantised: QuantisationFacts | None
    use_moving_averages: bool
    problems: tuple[str, ...]
    matters: tuple[ConfigField, ...]
    ignored: Mapping[str, int]
    dropped: tuple[DroppedField, ...]
    notices: tuple[str, ...] = ()


def inspect_config(path: Path) -> ConfigFacts:
    """Read a pipeline.config.

    Raises:
        ArtefactMissing: There is no such file.
        ConfigError: It cannot be read, is no proto text, or describes no SSD.
    """
    return config_facts(load_pipeline(path))


def config_facts(config: PipelineConfig) -> ConfigFacts:
    """The facts of a config that describes an SSD."""
    reading = _Reading(config)
    ssd = config.message.model.ssd
    kind = reading.tried(lambda: config.feature_extractor_type) or ""
    network = network_name(kind, ssd.feature_extractor.spaghettinet_arch_name)
    size = reading.tried(lambda: config.input_size)
    if kind and network not in FAMILIES:
        where = config.where("model.ssd.feature_extractor.type")
        reading.problems.append(str(unknown_extractor(network, where)))
    reading.tried(lambda: refuse_unsupported(config))
    facts = ConfigFacts(
        file=config.source,
        extractor=kind,
        depth_multiplier=float(ssd.feature_extractor.depth_multiplier),
        preprocessing=_preprocessing(network, size),
        num_classes=reading.tried(lambda: config.num_classes),
        anchors=reading.tried(lambda: _anchors(config, size)),
        box_predictor=ssd.box_predictor.WhichOneof("box_predictor_oneof") or "",
        box_coder_scales=reading.tried(lambda: config.box_coder_scales),
        score_converter=config.score_converter,
        logit_scale=config.logit_scale,
        score_threshold=config.score_threshold,
        iou_threshold=config.iou_threshold,
        max_detections_per_class=config.max_detections_per_class,
        max_total_detections=config.max_total_detections,
        quantised=reading.tried(lambda: _quantised(config)),
        use_moving_averages=config.use_moving_averages,
        problems=(),
        matters=tuple(sorted(_matters(config), key=lambda field: field.line)),
        ignored=_ignored(config),
        dropped=config.dropped,
        notices=config.notices,
    )
    return dataclasses.replace(facts, problems=tuple(reading.problems))


class _Reading:
    """One config, and what was wrong with it so far."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.problems: list[str] = []

    def tried(self, ask: Callable[[], _Value]) -> _Value | None:
        """What is asked for, or None and one problem more."""
        try:
            return ask()
        except ConfigError as error:
            self.problems.append(str(error))
            return None


def _preprocessing(kind: str, size: tuple[int, int] | None) -> PreprocessingFacts | None:
    if size is None or kind not in FAMILIES:
        return None
    image = TensorSpec(INPUT_NAME, "float32", (1, *size, 3))
    return describe_preprocessing(
        image, usual_preprocessing(kind, *size), f"the extractor's type, {kind}"
    )


def _anchors(config: PipelineConfig, size: tuple[int, int] | None) -> AnchorFacts:
    message = config.message.model.ssd.anchor_generator
    generator = anchor_generator(message, config.where("model.ssd.anchor_generator"))
    count = None
    if isinstance(generator, PyramidAnchors) and size is not None:
        # Level l of a pyramid has a cell for each 2**l pixels, the last one of a row cut.
        cells = [-(-size[0] // 2**level) * -(-size[1] // 2**level) for level in generator.levels]
        pairs = zip(cells, generator.per_location, strict=True)
        count = sum(number * each for number, each in pairs)
    return AnchorFacts(message.WhichOneof("anchor_generator_oneof"), generator.per_location, count)


def _quantised(config: PipelineConfig) -> QuantisationFacts | None:
    options = quantisation_options(config)
    if options is None:
        return None
    return QuantisationFacts(options.weight_bits, options.activation_bits)


def _matters(config: PipelineConfig) -> Iterator[ConfigField]:
    for name, value in _leaves(config.message, ""):
        top = name.partition(".")[0]
        if top == _EVAL and name != _EVAL_FIELD:
            continue
        if _TRAINING_ONLY.isdisjoint(name.split(".")):
            yield ConfigField(name, value, config.lines.get(name, 0))


def _leaves(message: Any, path: str) -> Iterator[tuple[str, str]]:
    """Dotted path and value of every field that is set; a message without fields is its name."""
    for descriptor, value in message.ListFields():
        name = f"{path}.{descriptor.name}" if path else descriptor.name
        values = value if _is_repeated(value) else [value]
        if descriptor.message_type is None:
            yield name, ", ".join(_format_value(descriptor, each) for each in values)
            continue
        for each in values:
            if each.ListFields():
                yield from _leaves(each, name)
            else:
                yield name, "{}"


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "append") or hasattr(value, "extend")


def _format_value(descriptor: Any, value: Any) -> str:
    if descriptor.enum_type is not None:
        known = descriptor.enum_type.values_by_number.get(value)
        return str(known.name) if known is not None else str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _ignored(config: PipelineConfig) -> dict[str, int]:
    """The outermost parts that only training reads."""
    parts_ignored: dict[str, int] = {}
    for path, line in sorted(config.lines.items(), key=lambda item: item[1]):
        parts = path.split(".")
        index = next((i for i, part in enumerate(parts) if part in _TRAINING_ONLY), None)
        if index is not None:
            parts_ignored.setdefault(".".join(parts[: index + 1]), line)
    return parts_ignored
