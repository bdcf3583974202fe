"""Which feature extractor a checkpoint is of, where the config names another one."""

from __future__ import annotations

import dataclasses
import re

from validation.errors import GraphError, ValidationError
from validation.export.freezing import variables
from validation.graphs.families import FAMILIES
from validation.graphs.mismatch import Shapes
from validation.graphs.restore import AVERAGE, is_training_only
from validation.graphs.ssd import build
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind, RootCause

# ResNet's scope has its depth behind its version, the types of extractors before it.
_RESNET = re.compile(r"resnetv1(\d+)")
# By the part of the config that a graph depends on, and the checkpoint's names and shapes: every
# variant of a model meets the same error.
_FOUND: dict[tuple[bytes, int], tuple[str, ...]] = {}


def name_extractor(error: GraphError, config: PipelineConfig, checkpoint: Shapes) -> None:
    """Let an error that blames the feature extractor say which one the checkpoint is of.

    Args:
        error: That config and checkpoint describe different models.
        config: Of the graph.
        checkpoint: Every tensor of the checkpoint.
    """
    if any(each.fault is FaultKind.EXTRACTOR for each in error.causes):
        fitting = fitting_extractors(config, checkpoint)
        error.causes = tuple(_named(each, config, fitting) for each in error.causes)


def fitting_extractors(config: PipelineConfig, checkpoint: Shapes) -> tuple[str, ...]:
    """The types whose graphs have the checkpoint's variables, all else as the config says.

    Those of the checkpoint's own backbone are built, a second each.

    Args:
        config: Of the graph.
        checkpoint: Every tensor of the checkpoint.
    """
    trained = {
        name: shape
        for name, shape in checkpoint.items()
        if not is_training_only(name) and not name.endswith(AVERAGE)
    }
    key = (config.message.model.SerializeToString(deterministic=True), hash(frozenset(trained)))
    if key not in _FOUND:
        own = config.feature_extractor_type
        kinds = (kind for kind in _of_backbone(trained) if kind != own)
        _FOUND[key] = tuple(kind for kind in kinds if _variables(config, kind) == trained)
    return _FOUND[key]


def _of_backbone(trained: Shapes) -> list[str]:
    parts = (name.split("/") for name in trained)
    scopes = {each[1] for each in parts if each[0] == "FeatureExtractor" and len(each) > 1}
    marks = {_RESNET.sub(r"resnet\1v1", scope.lower().replace("_", "")) for scope in scopes}
    return [kind for kind in FAMILIES if any(mark in kind.replace("_", "") for mark in marks)]


def _variables(config: PipelineConfig, kind: str) -> Shapes:
    message = type(config.message)()
    message.CopyFrom(config.message)
    message.model.ssd.feature_extractor.type = kind
    try:
        built = build(dataclasses.replace(config, message=message), with_initializers=False)
    except ValidationError:
        # Not with the rest of this config.
        return {}
    return variables(built.graph.as_graph_def())


def _named(cause: RootCause, config: PipelineConfig, fitting: tuple[str, ...]) -> RootCause:
    if cause.fault is not FaultKind.EXTRACTOR or not fitting:
        return cause
    fits = " or ".join(fitting)
    return dataclasses.replace(
        cause,
        expected=fits,
        got=config.feature_extractor_type,
        next_step=f'type: "{fitting[0]}" fits the checkpoint',
    )
