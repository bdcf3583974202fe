"""What a checkpoint holds: weights, what training left, and what it takes to export it."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.errors import GraphError, ValidationError
from validation.graphs.restore import AVERAGE, is_training_only
from validation.zoo.layout import PIPELINE_CONFIG, SHARD, shards_of

# Of contrib.quantize and its successors: ``act_quant/min`` and the like.
_RANGE_BOUND = re.compile(r".*quant\w*/(?:min|max)")
_STEP = "global_step"
_TWO_STAGES = ("FirstStage", "SecondStage")


@dataclass(frozen=True)
class Variable:
    """One tensor of a checkpoint.

    Args:
        name: As the checkpoint has it.
        shape: Empty for a scalar.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class ScopeCount:
    """The weights of one scope.

    Args:
        scope: The first two parts of the names.
        variables: How many.
        parameters: Numbers in all of them.
    """

    scope: str
    variables: int
    parameters: int


@dataclass(frozen=True)
class CheckpointFacts:
    """One checkpoint.

    Args:
        file: The prefix, without its folder.
        size_bytes: Of its index and shards.
        missing: Shards that the index names and that are not there.
        detector: What its scopes are of, in words.
        step: global_step; None where it is not stored or cannot be read.
        weights: Variables that inference uses, batch norm's statistics and ranges included.
        parameters: Numbers in them.
        ranges: Quantisation ranges, each a pair of bounds.
        averages: Moving averages of variables.
        training_only: Optimiser's slots, counters and learning rates.
        scopes: Weights by scope, the largest first.
        meta_graph: What the .meta beside it holds, in words; empty where there is none.
        has_config: A pipeline.config lies beside it.
        variables: Every tensor, by name.
    """

    file: str
    size_bytes: int
    missing: tuple[str, ...]
    detector: str
    step: int | None
    weights: int
    parameters: int
    ranges: int
    averages: int
    training_only: int
    scopes: tuple[ScopeCount, ...]
    meta_graph: str
    has_config: bool
    variables: tuple[Variable, ...]


def inspect_checkpoint(prefix: Path) -> CheckpointFacts:
    """Read a checkpoint's names and shapes; takes the seconds that TensorFlow takes to start.

    The weights themselves are not read: an index without its shards can be described as well.

    Args:
        prefix: Path without .index or .data-*.

    Raises:
        ArtefactMissing: No such checkpoint.
        GraphError: Damaged, or an object-based checkpoint of TensorFlow 2.
    """
    from validation.export.checkpoint import check_prefix

    # Refused before TensorFlow is loaded.
    check_prefix(prefix)
    from validation.export.checkpoint import checkpoint_shapes

    shapes = checkpoint_shapes(prefix)
    kept = {
        name: Variable(name, shape)
        for name, shape in shapes.items()
        if not name.endswith(AVERAGE) and not is_training_only(name)
    }
    files = sorted(prefix.parent.glob(f"{glob.escape(prefix.name)}.data-*"))
    index = prefix.with_name(f"{prefix.name}.index")
    return CheckpointFacts(
        file=prefix.name,
        size_bytes=sum(path.stat().st_size for path in (index, *files)),
        missing=_missing(prefix, files),
        detector=_detector(shapes),
        step=_step(prefix, shapes),
        weights=len(kept),
        parameters=sum(each.size for each in kept.values()),
        ranges=sum(_RANGE_BOUND.fullmatch(name) is not None for name in kept) // 2,
        averages=sum(name.endswith(AVERAGE) for name in shapes),
        training_only=sum(is_training_only(name) for name in shapes),
        scopes=_scopes(kept.values()),
        meta_graph=_meta_graph(prefix),
        has_config=prefix.with_name(PIPELINE_CONFIG).is_file(),
        variables=tuple(Variable(name, shapes[name]) for name in sorted(shapes)),
    )


def _missing(prefix: Path, files: list[Path]) -> tuple[str, ...]:
    """By the count that each shard's name ends in; without any shard, all of them."""
    if not files:
        return (f"{prefix.name}.data-*",)
    shard = SHARD.fullmatch(files[0].name)
    present = {path.name for path in files}
    return tuple(name for name in shards_of(shard) if name not in present) if shard else ()


def _detector(names: Iterable[str]) -> str:
    tops = {name.partition("/")[0] for name in names}
    if any(top.startswith(_TWO_STAGES) for top in tops):
        return "Faster R-CNN or another of two stages: not an SSD, cannot be exported"
    heads = any(top.startswith(("BoxPredictor", "WeightSharedConvolutionalBox")) for top in tops)
    if "FeatureExtractor" in tops and heads:
        return "an SSD of the TensorFlow 1 OD API"
    if "FeatureExtractor" in tops:
        return "a feature extractor of the OD API, without the heads of an SSD"
    return "no detector of the TensorFlow 1 OD API"


def _step(prefix: Path, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    from validation.export.checkpoint import open_checkpoint

    if shapes.get(_STEP) != ():
        return None
    try:
        value = open_checkpoint(prefix)(_STEP)
    except GraphError:
        # Its shard is not there: see `missing`.
        return None
    return None if value is None else int(value)


def _scopes(variables: Iterable[Variable]) -> tuple[ScopeCount, ...]:
    by_scope: dict[str, list[Variable]] = {}
    for each in variables:
        by_scope.setdefault("/".join(each.name.split("/")[:2]), []).append(each)
    counts = [
        ScopeCount(scope, len(each), sum(one.size for one in each))
        for scope, each in by_scope.items()
    ]
    return tuple(sorted(counts, key=lambda count: (-count.parameters, count.scope)))


def _meta_graph(prefix: Path) -> str:
    from validation.export.graph_io import read_graph
    from validation.export.ssd_reading import read_ssd

    meta = prefix.with_name(f"{prefix.name}.meta")
    if not meta.is_file():
        return ""
    try:
        read_ssd(read_graph(meta, ".meta"), meta.name)
    except ValidationError as error:
        return f"no inference graph of an SSD: {error}"
    return "the inference graph of an SSD"
