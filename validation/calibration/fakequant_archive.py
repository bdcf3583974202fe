"""From a float model and some images to an archive in the zoo's quantised layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.calibration.graph_ranges import calibrated_ranges, range_variables
from validation.calibration.ranges import RangeMethod
from validation.errors import ConfigError
from validation.export.archive_writer import write_archive
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint
from validation.export.freezing import freeze
from validation.export.from_checkpoint import body_graph, model_variables
from validation.export.graph_map import GraphMap
from validation.files.structured import write_json
from validation.graphs.mismatch import Described, Shapes
from validation.graphs.restore import plan_restore
from validation.graphs.ssd import BuiltSsd
from validation.pipeline.config import PipelineConfig, parse_pipeline
from validation.specs.contracts import Preprocessing

CALIBRATION_FILE = "calibration.json"

# As the zoo's quantised configs have it; delay counts steps of a training that is not done.
_REWRITER = """\
graph_rewriter {
  quantization {
    delay: 0
    weight_bits: 8
    activation_bits: 8
  }
}
"""

# As the rewriter initialises the bounds of a range.
_INITIAL = {"min": -6.0, "max": 6.0}

Named = dict[str, NDArray[np.float32]]
# Values of a rewritten graph's variables but its ranges, from their shapes by name.
WeightSource = Callable[[BuiltSsd, Shapes, PipelineConfig], Named]
# Images for a model's preprocessing, float32 [1, H, W, 3] each.
Images = Callable[[Preprocessing], Iterable[NDArray[np.float32]]]


@dataclass(frozen=True)
class CalibrationFacts:
    """How ranges were found; kept beside them, so that no file is judged by the same images.

    Args:
        source: Where the images come from.
        images: Names of those that were drawn.
        seed: Of the draw.
        method: See `RangeMethod`.
        percent: Of `RangeMethod.PERCENTILE`, else None.
    """

    source: str
    images: tuple[str, ...]
    seed: int
    method: RangeMethod
    percent: float | None = None


def quantised_config(config: PipelineConfig, text: str) -> tuple[PipelineConfig, str]:
    """The config of the quantised model: the same with graph_rewriter at its end.

    Args:
        config: Of a float model.
        text: Its text.

    Raises:
        ConfigError: The model is quantised as it is.
    """
    if config.is_quantized:
        raise ConfigError(
            "the config describes a quantised model",
            expected="a float model, whose ranges are to be found",
            where=config.where("graph_rewriter"),
            next_step="export it: its checkpoint has the ranges of its training",
        )
    quantised = text.rstrip("\n") + "\n" + _REWRITER
    return parse_pipeline(quantised, config.source), quantised


def weights_of_checkpoint(prefix: Path) -> WeightSource:
    """Weights of a checkpoint; moving averages where the config asks for them.

    Args:
        prefix: Checkpoint prefix.

    Raises:
        ArtefactMissing, GraphError: The checkpoint cannot be opened; no graph is built for it then.
    """
    values, present = open_checkpoint(prefix), checkpoint_shapes(prefix)

    def weights(_built: BuiltSsd, shapes: Shapes, config: PipelineConfig) -> Named:
        sources = plan_restore(
            shapes,
            present,
            use_moving_averages=config.use_moving_averages,
            config=Described.of(config),
            where=f"{prefix.name} and {config.source}",
        )
        read = {name: values(source) for name, source in sources.items()}
        return {name: value for name, value in read.items() if value is not None}

    return weights


def weights_of_frozen_graph(frozen: Any) -> WeightSource:
    """Weights that are constants of their names in a frozen graph.

    Args:
        frozen: GraphDef of frozen_inference_graph.pb.
    """
    nodes = GraphMap(frozen)

    def weights(built: BuiltSsd, shapes: Shapes, config: PipelineConfig) -> Named:
        present = {
            name: value
            for name in shapes
            if name in nodes.nodes and (value := nodes.constant(name)) is not None
        }
        body = body_graph(built)
        ranges = dict.fromkeys(range_variables(body), np.array(0, np.float32))
        # For its errors, which name the cause where a weight is missing or of another shape.
        freeze(
            body,
            {**present, **ranges}.get,
            where=f"weights of the frozen graph, graph of {config.source}",
            config=Described.of(config),
        )
        # Freezing a graph drops the variables that no output depends on; a checkpoint has them.
        unread = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        return {**unread, **present}

    return weights


def write_fakequant(
    folder: Path,
    config: PipelineConfig,
    text: str,
    weights: WeightSource,
    images: Images,
    facts: CalibrationFacts,
) -> None:
    """Fill a folder as a quantised archive of the zoo is filled, and note the calibration.

    Args:
        folder: Exists and is empty.
        config: pipeline.config of a float model.
        text: Its text.
        weights: Of the float model.
        images: Gives them as this preprocessing makes them; called for each pass.
        facts: What the images are, and how ranges are chosen.

    Raises:
        ConfigError: The config is of a quantised model, or is not supported.
        GraphError: Weights and config describe different models.
        FeedError: See `calibrated_ranges`.
    """
    quantised, quantised_text = quantised_config(config, text)

    def all_values(built: BuiltSsd) -> Named:
        shapes = model_variables(built)
        # What no output depends on has no range either, and keeps the rewriter's own.
        unread = {
            name: np.array(_INITIAL[name.rpartition("/")[2]], np.float32)
            for name in range_variables(built.graph.as_graph_def())
        }
        own = {name: shape for name, shape in shapes.items() if name not in unread}
        values = weights(built, own, quantised)
        ranges = calibrated_ranges(
            built,
            values,
            lambda: images(built.contract.preprocessing),
            facts.method,
            percent=facts.percent,
        )
        return {**values, **unread, **ranges}

    write_archive(folder, quantised, quantised_text, all_values)
    write_json(folder / CALIBRATION_FILE, facts)
