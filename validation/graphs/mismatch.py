"""Why tensors do not fit the variables of a graph, as far as names and shapes show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from validation.errors import first_few
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind, RootCause

Shapes = Mapping[str, tuple[int, ...]]
# A dotted path of the config -> its file and line.
Locate = Callable[[str], str]

# How many scopes and variables a message names: their last parts differ.
NAMED = 6
_QUANTISATION = ("act_quant/", "weights_quant/", "_quant/")
_BOUNDS = "act_quant/weights_quant min and max"
# convolutional_box_predictor and weight_shared_convolutional_box_predictor.
_BOX_HEAD = re.compile(r"(.*/)?(?:BoxEncodingPredictor|BoxPredictor)/biases")
_CLASS_HEAD = "ClassPredictor/biases"
_HEAD = re.compile(
    r"(.*/)?(?:BoxEncodingPredictor|BoxPredictor|ClassPredictor)(?:_depthwise)?/[^/]+"
)
# The layers that SSD adds carry their depth in their name.
_NAMED_DEPTH = re.compile(r"(_\d+x\d+(?:_s2)?_)\d+(?=[/_])")
_NUM_CLASSES = "model.ssd.num_classes"
_ANCHORS = "model.ssd.anchor_generator"
_EXTRACTOR = "model.ssd.feature_extractor"


@dataclass(frozen=True)
class Described:
    """What the config says of a graph that was built from it.

    Args:
        num_classes: Classes without the background.
        locate: File and line of a dotted path; None: not known.
        depth_multiplier: Of the feature extractor; None: not known.
        extractor: Type of the feature extractor; empty: not known.
        min_depth: Of the feature extractor; None: not known.
    """

    num_classes: int
    locate: Locate | None = None
    depth_multiplier: float | None = None
    extractor: str = ""
    min_depth: int | None = None

    @classmethod
    def of(cls, config: PipelineConfig) -> Described:
        """What it says.

        Raises:
            ConfigError: No number of classes, or no extractor.
        """
        extractor = config.message.model.ssd.feature_extractor
        return cls(
            config.num_classes,
            config.where,
            float(extractor.depth_multiplier),
            config.feature_extractor_type,
            int(extractor.min_depth),
        )


@dataclass(frozen=True)
class Mismatch:
    """One possible cause.

    Args:
        clause: For a message.
        cause: For the diagnosis; whose fault it is the shapes do not say.
    """

    clause: str
    cause: RootCause


def mismatches(
    variables: Shapes, tensors: Shapes, config: Described | None = None
) -> list[Mismatch]:
    """Possible causes, the one that explains most first; empty where nothing hints at one.

    Args:
        variables: Of a graph, in the order in which it was built.
        tensors: What there is for them, by the variables' names, and what is left over.
        config: None where the graph was not built from one.
    """
    backbones = _backbone_causes(variables, tensors, config)
    return [
        *_quantisation_causes(variables, tensors, config),
        *_anchor_causes(variables, tensors, config),
        *_class_causes(variables, tensors, config),
        *(backbones or _layer_causes(variables, tensors, config)),
    ]


def _side(config: Described | None) -> str:
    return "graph" if config is None else "config"


def line_of(config: Described | None, path: str) -> str:
    """File and line of a field; empty where it is not known."""
    return "" if config is None or config.locate is None else config.locate(path)


def _at(config: Described | None, path: str) -> str:
    line = line_of(config, path)
    return f" ({line})" if line else ""


def _quantisation_causes(
    variables: Shapes, tensors: Shapes, config: Described | None
) -> list[Mismatch]:
    asked, there = _quantisation(variables), _quantisation(tensors)
    if asked and not there:
        remedy = (
            f"remove graph_rewriter{_at(config, 'graph_rewriter')}"
            if config
            else "take a graph without FakeQuant nodes"
        )
        clause = (
            f"the checkpoint has no quantisation ranges ({_BOUNDS}): it was not trained with "
            f"quantisation; {remedy} or take the QAT checkpoint"
        )
        return [Mismatch(clause, _quantised(config, "quantised", "float", remedy))]
    if there and not asked:
        remedy = (
            "add graph_rewriter { quantization { } } to the config"
            if config
            else "take a graph with FakeQuant nodes"
        )
        clause = (
            f"the checkpoint was trained with quantisation, and its {len(there)} quantisation "
            f"ranges ({_BOUNDS}) would be unused; {remedy} or take a float checkpoint"
        )
        return [Mismatch(clause, _quantised(config, "float", "quantised", remedy))]
    if asked - there:
        clause = (
            f"the checkpoint lacks {len(asked - there)} of {len(asked)} quantisation ranges "
            f"({_BOUNDS}): code and checkpoint come from different releases"
        )
        where = min(asked - there)
        cause = RootCause(FaultKind.FAKE_QUANT_RANGE, where=where, expected="a range", got="none")
        return [Mismatch(clause, cause)]
    return []


def _quantised(config: Described | None, got: str, expected: str, remedy: str) -> RootCause:
    return RootCause(
        FaultKind.QUANTISED_TRAINING,
        where=line_of(config, "graph_rewriter"),
        expected=expected,
        got=got,
        next_step=remedy,
    )


def _quantisation(names: Iterable[str]) -> set[str]:
    return {name for name in names if any(mark in name for mark in _QUANTISATION)}


def _heads(variables: Shapes, tensors: Shapes) -> Iterable[tuple[str, str, str]]:
    """Scope, box head and class head of each pair of heads that both sides have."""
    for name in variables:
        if match := _BOX_HEAD.fullmatch(name):
            scope = match[1] or ""
            class_head = scope + _CLASS_HEAD
            shapes = [
                side.get(head) for side in (tensors, variables) for head in (name, class_head)
            ]
            if all(shape is not None and len(shape) == 1 for shape in shapes):
                yield scope, name, class_head


def _anchor_causes(variables: Shapes, tensors: Shapes, config: Described | None) -> list[Mismatch]:
    """Anchors a cell: four numbers of the box head for each."""
    differing: dict[tuple[int, int], list[str]] = {}
    for scope, boxes, _ in _heads(variables, tensors):
        pair = tensors[boxes][0] // 4, variables[boxes][0] // 4
        if pair[0] != pair[1]:
            differing.setdefault(pair, []).append(scope.rstrip("/") or "the heads")
    return [
        Mismatch(
            f"{trained} anchors a cell in the checkpoint, {built} in the {_side(config)}"
            f"{_at(config, _ANCHORS)}, for {first_few(scopes, NAMED)}",
            RootCause(
                FaultKind.ANCHORS,
                where=line_of(config, _ANCHORS) or scopes[0],
                expected=f"{trained} a cell",
                got=f"{built} a cell instead of {trained}",
                next_step=f"give the generator as many aspect ratios and scales that a cell of "
                f"{first_few(scopes)} has {trained} anchors",
            ),
        )
        for (trained, built), scopes in differing.items()
    ]


def _class_causes(variables: Shapes, tensors: Shapes, config: Described | None) -> list[Mismatch]:
    """Classes and background: columns of the class head for each anchor of the box head."""
    for _, boxes, classes in _heads(variables, tensors):
        trained_anchors, anchors = tensors[boxes][0] // 4, variables[boxes][0] // 4
        if not trained_anchors or not anchors:
            continue
        trained = tensors[classes][0] // trained_anchors
        built = config.num_classes + 1 if config else variables[classes][0] // anchors
        if trained != built:
            clause = (
                f"the checkpoint's class head has {trained} columns an anchor, that is "
                f"num_classes: {trained - 1}; the {_side(config)} says {built - 1}"
                f"{_at(config, _NUM_CLASSES)}, that is {built} columns"
            )
            cause = RootCause(
                FaultKind.CLASS_COUNT,
                where=line_of(config, _NUM_CLASSES) or classes,
                expected=trained - 1,
                got=built - 1,
                next_step=f"num_classes: {trained - 1} fits the checkpoint",
            )
            return [Mismatch(clause, cause)]
    return []


def _backbone_causes(
    variables: Shapes, tensors: Shapes, config: Described | None
) -> list[Mismatch]:
    """Second part of the names below FeatureExtractor: the network's own scope."""
    built, trained = _backbones(variables), _backbones(tensors)
    if not built or not trained or built & trained:
        return []
    wrong, right = ", ".join(sorted(built)), ", ".join(sorted(trained))
    clause = (
        f"the {_side(config)} builds {wrong}{_at(config, f'{_EXTRACTOR}.type')}, "
        f"the checkpoint is of {right}"
    )
    where = line_of(config, f"{_EXTRACTOR}.type")
    return [
        Mismatch(clause, RootCause(FaultKind.EXTRACTOR, where=where, expected=right, got=wrong))
    ]


def _backbones(names: Iterable[str]) -> set[str]:
    parts = [name.split("/") for name in names]
    return {each[1] for each in parts if each[0] == "FeatureExtractor" and len(each) > 1}


def _layer_causes(variables: Shapes, tensors: Shapes, config: Described | None) -> list[Mismatch]:
    """The first layer of another depth, and whether all layers are or only some.

    The heads are left out: anchors and classes have clauses of their own.
    """
    counterparts = {
        _NAMED_DEPTH.sub(r"\1", name): name for name in tensors if name not in variables
    }
    layers, first = dict.fromkeys(map(_layer, variables), False), ""
    first_layer, depths = "", Counter[tuple[int, int]]()
    for name, shape in variables.items():
        counterpart = name if name in tensors else counterparts.get(_NAMED_DEPTH.sub(r"\1", name))
        if counterpart is None or _HEAD.fullmatch(name) or tensors[counterpart] == shape:
            continue
        layers[_layer(name)] = True
        # Of depthwise kernels the last side is how often each channel is used.
        if shape and tensors[counterpart] and shape[-1] != tensors[counterpart][-1]:
            depths[shape[-1], tensors[counterpart][-1]] += 1
        first_layer = first_layer or name
        first = first or (
            f"{name} is {list(shape)} in the graph, {list(tensors[counterpart])} in the checkpoint"
            + (f" as {counterpart}" if counterpart != name else "")
        )
    differing = sum(layers.values())
    if not differing:
        return []
    if (cause := _min_depth(config, depths)) is not None:
        guess = f"min_depth ({cause.where}) was another one in training"
    elif 2 * differing > len(layers):
        where = f"{_EXTRACTOR}.depth_multiplier"
        guess = f"depth_multiplier or min_depth{_at(config, where)} was another one in training"
        cause = _depth(config, line_of(config, where) or first_layer, depths)
    else:
        guess = (
            f"code and checkpoint come from different releases, or the network"
            f"{_at(config, _EXTRACTOR)} changed"
        )
        cause = RootCause(FaultKind.DEPTH, where=line_of(config, _EXTRACTOR) or first_layer)
    clause = f"another depth in {differing} of {len(layers)} layers, first {first}: {guess}"
    return [Mismatch(clause, cause)]


def _min_depth(config: Described | None, depths: Counter[tuple[int, int]]) -> RootCause | None:
    """Every layer that differs has the least depth that the config allows, and had less.

    Args:
        config: None where it is not known.
        depths: How often which depth was built where which one was trained.
    """
    floor = None if config is None else config.min_depth
    if not depths or any(built != floor or trained > built for built, trained in depths):
        return None
    fits = min(trained for _, trained in depths)
    return RootCause(
        FaultKind.DEPTH,
        where=line_of(config, f"{_EXTRACTOR}.min_depth"),
        expected=fits,
        got=floor,
        next_step=f"min_depth: {fits} or less fits the checkpoint",
    )


def _depth(config: Described | None, where: str, depths: Counter[tuple[int, int]]) -> RootCause:
    """The multiplier that most layers would fit, where most have one factor to theirs.

    Few depths are the multiple itself: they are rounded to whole eights, or min_depth holds.
    """
    factors = Counter[float]()
    for (built, trained), count in depths.items():
        factors[trained / built] += count
    ((factor, count),) = factors.most_common(1) or [(1.0, 0)]
    if config is None or config.depth_multiplier is None or 2 * count <= factors.total():
        return RootCause(FaultKind.DEPTH, where=where)
    fits = round(config.depth_multiplier * factor, 6)
    return RootCause(
        FaultKind.DEPTH,
        where=where,
        expected=fits,
        got=config.depth_multiplier,
        next_step=f"depth_multiplier: {fits:g} fits most layers of the checkpoint",
    )


def _layer(name: str) -> str:
    return name.partition("/BatchNorm/")[0] if "/BatchNorm/" in name else name.rpartition("/")[0]
