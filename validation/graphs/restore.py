"""Which checkpoint tensor goes into which variable, settled before anything is loaded.

Names and shapes are compared both ways: a variable without a tensor, a tensor without
a variable and a shape that differs are all errors, raised together, with the cause
where the names and shapes tell it.
"""

from __future__ import annotations

from validation.errors import GraphError, first_few
from validation.graphs.mismatch import NAMED, Described, Shapes, mismatches
from validation.graphs.network_names import other_network
from validation.root_cause import FaultKind, Place, RootCause

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
_USE_AVERAGES = "eval_config.use_moving_averages"
_TRAINING_ONLY = (
    "global_step",
    "fake_quantization_step",
    "beta1_power",
    "beta2_power",
    "learning_rate",
)


def plan_restore(
    variables: Shapes,
    checkpoint: Shapes,
    *,
    use_moving_averages: bool,
    config: Described,
    where: str,
) -> dict[str, str]:
    """The checkpoint tensor that fills each variable, by the variable's name.

    Args:
        variables: Of the built graph.
        checkpoint: Every tensor of the checkpoint.
        use_moving_averages: eval_config.use_moving_averages: trained variables are taken
            from their averages; what has no average (batch norm's moving statistics,
            quantisation ranges) from itself.
        config: That the graph was built from, for messages.
        where: Checkpoint's name for messages.

    Raises:
        GraphError: Anything unmatched either way: the causes, then how many of what, with
            the first names.
    """
    averages = {name: name + AVERAGE for name in variables if name + AVERAGE in checkpoint}
    sources = {name: name for name in variables} | (averages if use_moving_averages else {})
    if use_moving_averages and not averages:
        raise GraphError(
            "eval_config.use_moving_averages asks for averages that the checkpoint lacks",
            expected=f"tensors named *{AVERAGE}",
            got="none",
            where=where,
            next_step="set use_moving_averages: false, or use the checkpoint as trained",
            place=Place.CONFIG,
            causes=[
                RootCause(
                    FaultKind.MOVING_AVERAGES,
                    where="" if config.locate is None else config.locate(_USE_AVERAGES),
                    expected=False,
                    got=True,
                    next_step="set use_moving_averages: false, or use the checkpoint as trained",
                )
            ],
        )
    fitting = {name: checkpoint[source] for name, source in sources.items() if source in checkpoint}
    missing = [name for name in variables if name not in fitting]
    shapes = [
        f"{name}: graph {list(variables[name])}, checkpoint {list(shape)}"
        for name, shape in fitting.items()
        if shape != variables[name]
    ]
    unused = sorted(
        name
        for name in checkpoint
        if name not in variables and not name.endswith(AVERAGE) and not is_training_only(name)
    )
    if missing or shapes or unused:
        tensors = {**{name: checkpoint[name] for name in unused}, **fitting}
        found = mismatches(variables, tensors, config) or other_network(missing, unused, config)
        clauses = "; ".join(each.clause for each in found)
        raise GraphError(
            f"checkpoint and config describe different models{clauses and ': '}{clauses}",
            got="; ".join(
                [
                    *_listed("variables without a tensor in the checkpoint", missing),
                    *_listed("shapes that differ", shapes),
                    *_listed("tensors that the graph has no variable for", unused),
                ]
            ),
            where=where,
            next_step="use the pipeline.config that the checkpoint was trained with; if this is "
            "the one, export from the .meta or frozen graph that came with the checkpoint",
            # Either of them may be the wrong one.
            place=Place.ARCHIVE,
            causes=[each.cause for each in found],
        )
    return sources


def is_training_only(name: str) -> bool:
    """True for what training leaves in a checkpoint besides the weights: slots and counters."""
    return name.endswith(_OPTIMIZER_SLOTS) or name in _TRAINING_ONLY


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{len(names)} {what}: {first_few(names, NAMED)}"] if names else []
