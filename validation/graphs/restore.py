"""Which checkpoint tensor goes into which variable, settled before anything is loaded.

Names and shapes are compared both ways: a variable without a tensor, a tensor without
a variable and a shape that differs are all errors, told together, with the cause
where the names and shapes tell it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.errors import GraphError

Shapes = Mapping[str, tuple[int, ...]]

# Written by tf.train.ExponentialMovingAverage beside the variable that it follows.
AVERAGE = "/ExponentialMovingAverage"
# What training leaves in a checkpoint and inference has no use for.
_OPTIMIZER_SLOTS = (
    "/RMSProp",
    "/RMSProp_1",
    "/Momentum",
    "/Adam",
    "/Adam_1",
    "/Adagrad",
    "/biased",
    "/local_step",
)
_TRAINING_ONLY = ("global_step", "beta1_power", "beta2_power", "learning_rate")
_QUANTISATION = ("act_quant/", "weights_quant/", "_quant/")
_BOX_HEAD = "BoxEncodingPredictor/biases"
_CLASS_HEAD = "ClassPredictor/biases"


@dataclass(frozen=True)
class RestorePlan:
    """For each variable the checkpoint tensor that fills it.

    Args:
        sources: Variable name to tensor name.
        averaged: How many come from moving averages.
    """

    sources: Mapping[str, str]
    averaged: int


def plan_restore(
    variables: Shapes,
    checkpoint: Shapes,
    *,
    use_moving_averages: bool,
    num_classes: int,
    where: str,
) -> RestorePlan:
    """Pair variables and checkpoint tensors.

    Args:
        variables: Of the built graph.
        checkpoint: Every tensor of the checkpoint.
        use_moving_averages: eval_config.use_moving_averages: trained variables are taken
            from their averages; what has no average (batch norm's moving statistics)
            from itself.
        num_classes: Of the config, for the message about the class head.
        where: Checkpoint's name for messages.

    Raises:
        GraphError: Anything unmatched either way; everything is listed, causes first.
    """
    sources = {
        name: _source(name, checkpoint, use_moving_averages=use_moving_averages)
        for name in variables
    }
    averaged = sum(source.endswith(AVERAGE) for source in sources.values())
    if use_moving_averages and not averaged:
        raise GraphError(
            "eval_config.use_moving_averages asks for averages that the checkpoint lacks",
            expected=f"tensors named *{AVERAGE}",
            got="none",
            where=where,
            next_step="set use_moving_averages: false, or use the checkpoint as trained",
        )
    missing = sorted(name for name, source in sources.items() if source not in checkpoint)
    shapes = sorted(
        f"{name}: graph {list(variables[name])}, checkpoint {list(checkpoint[source])}"
        for name, source in sources.items()
        if source in checkpoint and checkpoint[source] != variables[name]
    )
    unused = sorted(_inference_tensors(checkpoint) - set(variables))
    if missing or shapes or unused:
        causes = _causes(variables, checkpoint, missing, unused, num_classes)
        raise GraphError(
            "checkpoint and config describe different models"
            + (f": {'; '.join(causes)}" if causes else ""),
            got="; ".join(
                [
                    *_listed("variables without a tensor in the checkpoint", missing),
                    *_listed("shapes that differ", shapes),
                    *_listed("tensors that the graph has no variable for", unused),
                ]
            ),
            where=where,
            next_step="use the pipeline.config that the checkpoint was trained with",
        )
    return RestorePlan(sources, averaged)


def _source(name: str, checkpoint: Shapes, *, use_moving_averages: bool) -> str:
    average = name + AVERAGE
    return average if use_moving_averages and average in checkpoint else name


def _inference_tensors(checkpoint: Shapes) -> set[str]:
    return {
        name
        for name in checkpoint
        if not name.endswith((AVERAGE, *_OPTIMIZER_SLOTS)) and name not in _TRAINING_ONLY
    }


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{len(names)} {what}: {', '.join(names)}"] if names else []


def _causes(
    variables: Shapes,
    checkpoint: Shapes,
    missing: list[str],
    unused: list[str],
    num_classes: int,
) -> list[str]:
    """What the names and shapes say about why they do not fit."""
    causes = []
    if any(_is_quantisation(name) for name in missing):
        causes.append(
            "the config has a graph_rewriter, but the checkpoint was not trained with "
            "quantisation (it has no *_quant/min and max)"
        )
    if any(_is_quantisation(name) for name in unused):
        causes.append(
            "the checkpoint was trained with quantisation, but the config has no graph_rewriter"
        )
    causes += _head_causes(variables, checkpoint, num_classes)
    scopes = [_backbones(names) for names in (variables, _inference_tensors(checkpoint))]
    if scopes[0] and scopes[1] and not scopes[0] & scopes[1]:
        causes.append(
            f"the config builds {', '.join(sorted(scopes[0]))}, the checkpoint is of "
            f"{', '.join(sorted(scopes[1]))}"
        )
    return causes


def _is_quantisation(name: str) -> bool:
    return any(mark in name for mark in _QUANTISATION)


def _backbones(names: Mapping[str, object] | set[str]) -> set[str]:
    """Second part of the names below FeatureExtractor: the network's own scope."""
    parts = [name.split("/") for name in names]
    return {each[1] for each in parts if each[0] == "FeatureExtractor" and len(each) > 1}


def _head_causes(variables: Shapes, checkpoint: Shapes, num_classes: int) -> list[str]:
    """Anchors a cell from the box head, classes from the class head beside it."""
    causes: list[str] = []
    for name, shape in variables.items():
        scope = name.removesuffix(_BOX_HEAD)
        class_head = scope + _CLASS_HEAD
        if scope == name or name not in checkpoint or class_head not in checkpoint:
            continue
        anchors, trained = shape[0] // 4, checkpoint[name][0] // 4
        columns = checkpoint[class_head][0] // trained if trained else 0
        if anchors != trained:
            causes.append(
                f"{scope.rstrip('/') or 'heads'}: {trained} anchors a cell in the checkpoint, "
                f"{anchors} in the config"
            )
        if columns != num_classes + 1 and not any("num_classes" in cause for cause in causes):
            causes.append(
                f"the checkpoint's class head has {columns} columns an anchor, that is "
                f"num_classes: {columns - 1}; the config says {num_classes}"
            )
    return causes
