"""pipeline.config -> a checked SSD configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import ArtefactMissing, ConfigError, NotSsdConfig
from validation.files.outside import Size, read_bytes
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.pipeline.reader import ReadText, read_text
from validation.root_cause import FaultKind, Place, RootCause

_SSD_ONLY = "this harness takes SSD models only, as did the OD API's exporter to TFLite"


@dataclass(frozen=True)
class PipelineConfig(ReadText):
    """A pipeline.config that describes an SSD; absent fields have their proto2 defaults."""

    @property
    def num_classes(self) -> int:
        """Classes without the background.

        Raises:
            ConfigError: Not set, or not positive.
        """
        return self._positive("model.ssd.num_classes", self._ssd.num_classes)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model's input in pixels.

        Raises:
            ConfigError: The resizer does not give every image the same size.
        """
        resizer = self._ssd.image_resizer.WhichOneof("image_resizer_oneof")
        if resizer != "fixed_shape_resizer":
            raise ConfigError(
                "the input size is not fixed",
                expected="fixed_shape_resizer { height: H width: W }",
                got=resizer or "no image_resizer",
                where=self.where("model.ssd.image_resizer"),
                next_step="use fixed_shape_resizer HxW; accuracy changes, re-evaluate",
                causes=[
                    RootCause(
                        FaultKind.RESIZE,
                        expected="fixed_shape_resizer",
                        got=resizer or "no image_resizer",
                        next_step="use fixed_shape_resizer with the size of the training",
                    )
                ],
            )
        fixed = self._ssd.image_resizer.fixed_shape_resizer
        path = "model.ssd.image_resizer.fixed_shape_resizer"
        return (
            self._positive(f"{path}.height", fixed.height),
            self._positive(f"{path}.width", fixed.width),
        )

    @property
    def box_coder_scales(self) -> tuple[float, float, float, float]:
        """Scales of centre y, centre x, height and width (float32 values).

        Raises:
            ConfigError: Another box coder, which TFLite_Detection_PostProcess cannot decode.
        """
        coder = self._ssd.box_coder.WhichOneof("box_coder_oneof")
        if coder != "faster_rcnn_box_coder":
            raise ConfigError(
                "the boxes cannot be decoded by TFLite_Detection_PostProcess",
                expected="faster_rcnn_box_coder",
                got=coder or "no box_coder",
                where=self.where("model.ssd.box_coder"),
                fault=FaultKind.UNSUPPORTED,
            )
        scales = self._ssd.box_coder.faster_rcnn_box_coder
        return scales.y_scale, scales.x_scale, scales.height_scale, scales.width_scale

    @property
    def score_converter(self) -> str:
        """IDENTITY, SIGMOID or SOFTMAX."""
        post = self._ssd.post_processing
        values = post.DESCRIPTOR.fields_by_name["score_converter"].enum_type.values_by_number
        return str(values[post.score_converter].name)

    @property
    def logit_scale(self) -> float:
        """Logits are divided by it before the score converter."""
        return float(self._ssd.post_processing.logit_scale)

    @property
    def score_threshold(self) -> float:
        """Lower scores never enter non-maximum suppression (float32 value)."""
        return float(self._suppression.score_threshold)

    @property
    def iou_threshold(self) -> float:
        """Overlap above which the lower score is dropped (float32 value)."""
        return float(self._suppression.iou_threshold)

    @property
    def max_detections_per_class(self) -> int:
        """Detections kept for each class."""
        return int(self._suppression.max_detections_per_class)

    @property
    def max_total_detections(self) -> int:
        """Detections kept over all classes."""
        return int(self._suppression.max_total_detections)

    @property
    def feature_extractor_type(self) -> str:
        """Name of the feature extractor, for example ``ssd_mobilenet_v1``.

        Raises:
            ConfigError: The extractor has no type.
        """
        name = str(self._ssd.feature_extractor.type)
        if not name:
            raise ConfigError(
                "the feature extractor has no type",
                expected='feature_extractor { type: "ssd_mobilenet_v1" }, for example',
                where=self.where("model.ssd.feature_extractor"),
            )
        return name

    @property
    def use_moving_averages(self) -> bool:
        """Whether the shadow variables of the checkpoint are the weights."""
        return bool(self.message.eval_config.use_moving_averages)

    @property
    def is_quantized(self) -> bool:
        """Whether the graph was trained with fake quantisation."""
        return bool(self.message.graph_rewriter.HasField("quantization"))

    def where(self, path: str) -> str:
        """Source and line of a dotted path, or of the nearest message around it."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return f"{self.source}, line {self.lines[path]}, {path}" if path else self.source

    @property
    def _ssd(self) -> Any:
        return self.message.model.ssd

    @property
    def _suppression(self) -> Any:
        return self._ssd.post_processing.batch_non_max_suppression

    def _positive(self, path: str, value: int) -> int:
        if value < 1:
            name = path.rpartition(".")[2]
            raise ConfigError(
                f"{name} must be positive",
                got=value if path in self.lines else "not set",
                where=self.where(path),
            )
        return value


def load_pipeline(path: Path) -> PipelineConfig:
    """Read a pipeline.config.

    Raises:
        ArtefactMissing: There is no such file.
        ConfigError: It cannot be read, is not proto text, or does not describe an SSD.
    """
    # The folder is the archive's name, the file is mostly pipeline.config.
    source = f"{path.parent.name}/{path.name}".removeprefix("/")
    try:
        data = read_bytes(path, Size.TEXT)
    except FileNotFoundError as error:
        raise ArtefactMissing(
            "no such pipeline.config", where=source, place=Place.CONFIG
        ) from error
    except OSError as error:
        if path.is_dir():
            require_kind(path, Wanted.CONFIG, ConfigError, where=source)
        raise ConfigError("the file cannot be read", got=error.strerror, where=source) from error
    require_kind(path, Wanted.CONFIG, ConfigError, where=source)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "not a text file",
            expected="proto text in UTF-8",
            got=f"byte 0x{data[error.start]:02x}",
            where=f"{source}, line {line}",
            next_step="give the pipeline.config, not a graph or a checkpoint",
        ) from error
    return parse_pipeline(text, source)


def parse_pipeline(text: str, source: str = "pipeline.config") -> PipelineConfig:
    """Parse the text of a pipeline.config that describes an SSD.

    Args:
        text: Proto text, see `validation.pipeline.reader` for what is let pass.
        source: Name of the text, for errors.

    Raises:
        ConfigError: No proto text, a field that is unknown and may matter, or no SSD.
    """
    config = PipelineConfig(**vars(read_text(text, source)))
    if not config.message.HasField("model"):
        raise ConfigError("no model", expected="model { ssd { ... } }", where=f"{source}, line 1")
    kind = config.message.model.WhichOneof("model")
    if kind != "ssd":
        label = _architecture(config.message.model)
        raise NotSsdConfig(
            f"{label} is not an SSD" if label else "the model is empty",
            expected="model { ssd { ... } }",
            where=config.where(f"model.{kind}" if kind else "model"),
            next_step=f"{_SSD_ONLY}: choose an ssd_* or ssdlite_* model",
        )
    return config


def _architecture(model: Any) -> str:
    """The usual name of a model that is not an SSD; empty if it has none."""
    kind = model.WhichOneof("model")
    if kind is None:
        return ""
    if kind == "center_net":
        return "CenterNet"
    if kind == "experimental_model":
        return f"the experimental model {model.experimental_model.name!r}"
    two_stage = model.faster_rcnn
    second = two_stage.second_stage_box_predictor
    if two_stage.HasField("context_config"):
        return "Context R-CNN"
    if second.WhichOneof("box_predictor_oneof") == "rfcn_box_predictor":
        return "R-FCN"
    if two_stage.number_of_stages == 3 or second.mask_rcnn_box_predictor.predict_instance_masks:
        return "Mask R-CNN"
    return "Faster R-CNN"
