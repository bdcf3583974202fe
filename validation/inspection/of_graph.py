"""What a TensorFlow graph holds: which of an SSD's graphs it is, and what it converts to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from validation.errors import CorruptGraph, GraphError, NotSsdGraph, ValidationError, first_few
from validation.export.exported import CONTRACT_FILE, GRAPH_FILE, read_contract
from validation.inspection.kinds import GRAPH_FORMS, IdentifiedFile
from validation.inspection.preprocessing import PreprocessingFacts, describe_preprocessing
from validation.inspection.tensors import (
    TensorFacts,
    describe_inference_tensors,
    describe_inputs,
    describe_outputs,
    detection_shape,
)
from validation.specs.contracts import (
    DETECTION_OUTPUTS,
    DETECTION_ROLES,
    INPUT_NAME,
    KERNEL_DEFAULTS,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    GraphSummary,
    PostprocessAttributes,
    Preprocessing,
)
from validation.specs.tensors import TensorSpec
from validation.specs.variants import VARIANTS

_EXTRACTOR_SCOPE = "the extractor's scope in the graph"


class GraphKind(StrEnum):
    """Which of an SSD's graphs a file holds."""

    EXPORTED = "an SSD exported for TFLite"
    INFERENCE = "the inference graph of an SSD"
    OTHER = "a graph"


@dataclass(frozen=True)
class OwnSuppression:
    """What an inference graph does with its raw outputs by itself.

    Args:
        score_converter: SIGMOID, SOFTMAX or IDENTITY.
        box_coder_scales: y, x, height, width.
        score_threshold: Lower scores are dropped.
        iou_threshold: Overlap above which the lower score is dropped.
        max_detections_per_class: Kept for each class.
        max_total_detections: Kept in all.
    """

    score_converter: str
    box_coder_scales: tuple[float, float, float, float]
    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int


@dataclass(frozen=True)
class FakeQuantCount:
    """The FakeQuant nodes of a graph.

    Args:
        nodes: How many.
        on_weights: Of them on weights; None where only the nodes were counted.
        on_activations: Of them on activations, None likewise.
        bits: Of all of them.
        without_range: Activations that a converter needs a range for and that have none.
        bare_weights: Layers whose weights have no range.
    """

    nodes: int
    on_weights: int | None
    on_activations: int | None
    bits: tuple[int, ...]
    without_range: tuple[str, ...]
    bare_weights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GraphFacts:
    """One graph file.

    Args:
        file: Its name.
        size_bytes: Of the file.
        graph: Which graph it is.
        why: Why it is not taken for an SSD; empty for an SSD.
        inputs: Placeholders.
        outputs: In the exporter's order.
        preprocessing: From an image to the input, or to the extractor of an inference graph.
        postprocess: Attributes of TFLite_Detection_PostProcess, None without it.
        defaulted: Attributes that the node lacks and the kernel has a default for.
        own_suppression: Of an inference graph, None for others.
        score_converter: Of an exported graph, or of `own_suppression`; else empty.
        num_classes: Without the background; None where it is not known.
        anchors: How many; None where the graph computes them, or has none.
        fake_quant: None where the graph has no FakeQuant nodes.
        variants: What `convert` can make of it, after an export for an inference graph.
        not_convertible: Why it is not convertible as it is; empty if it is.
        variables: How many are left; a frozen graph has none.
        training_batch_norms: Batch norm nodes that still normalise by their batch.
        constant_bytes: Of weights and all other constants.
        ops: How often each op occurs.
        notes: What to know; one sentence each.
    """

    file: str
    size_bytes: int
    graph: GraphKind
    why: str = ""
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    preprocessing: PreprocessingFacts | None = None
    postprocess: PostprocessAttributes | None
    defaulted: tuple[str, ...]
    own_suppression: OwnSuppression | None = None
    score_converter: str = ""
    num_classes: int | None = None
    anchors: int | None = None
    fake_quant: FakeQuantCount | None = None
    variants: tuple[str, ...] = ()
    not_convertible: str = ""
    variables: int
    training_batch_norms: int
    constant_bytes: int
    ops: Mapping[str, int]
    notes: tuple[str, ...] = ()


def inspect_graph(file: IdentifiedFile) -> GraphFacts:
    """Read a graph file; takes the seconds that TensorFlow takes to start.

    Args:
        file: Of one of the graph kinds.

    Raises:
        ArtefactMissing: No such file.
        CorruptGraph: No graph, or a part of one.
        GraphError: TensorFlow cannot import it.
    """
    from validation.export.describe import summary_of
    from validation.export.graph_io import read_graph
    from validation.export.graph_map import GraphMap

    path = file.path
    graph = read_graph(path, GRAPH_FORMS[file.kind])
    try:
        summary = summary_of(graph, path.name, KERNEL_DEFAULTS)
        facts = GraphFacts(
            file=path.name,
            size_bytes=path.stat().st_size,
            graph=GraphKind.OTHER,
            inputs=describe_inference_tensors(summary.inputs),
            outputs=(),
            postprocess=summary.postprocess,
            defaulted=_defaulted(graph),
            variables=len(summary.variables),
            training_batch_norms=summary.training_batch_norms,
            constant_bytes=sum(
                node.attr["value"].tensor.ByteSize() for node in graph.node if node.op == "Const"
            ),
            ops=summary.ops,
        )
        facts = _identified(facts, path, graph, summary, GraphMap(graph))
        fake_quant = _fake_quant(graph, evaluated=facts.graph is GraphKind.EXPORTED)
    except (IndexError, KeyError) as error:
        # A node without the inputs that its op has.
        raise CorruptGraph(
            "a node of the graph lacks an input or an attribute that its op needs",
            where=path.name,
        ) from error
    return dataclasses.replace(
        facts,
        fake_quant=fake_quant,
        variants=tuple(_variants(facts, quantised=fake_quant is not None)),
        not_convertible=_not_convertible(facts.graph, summary),
    )


def _identified(
    facts: GraphFacts, path: Path, graph: Any, summary: GraphSummary, nodes: Any
) -> GraphFacts:
    """The facts with what depends on which graph it is."""
    raw = {spec.name for spec in summary.raw_outputs}
    if INPUT_NAME in nodes.nodes and len(raw) == 2:
        return _exported(facts, path, summary, nodes)
    from validation.export.describe import classes_of
    from validation.export.ssd_reading import read_ssd

    try:
        ssd = read_ssd(graph, path.name)
        return _inference(facts, ssd, nodes, classes_of(graph, ssd))
    except ValidationError as error:
        known = tuple(name for name in DETECTION_OUTPUTS if name in nodes.nodes)
        specs = [TensorSpec(name, _dtype(nodes, name), ()) for name in known or summary.outputs]
        outputs = describe_inference_tensors(specs) if known else describe_outputs(specs)
        return dataclasses.replace(facts, outputs=outputs, why=str(error))


def _exported(facts: GraphFacts, path: Path, summary: GraphSummary, nodes: Any) -> GraphFacts:
    from validation.export.shipped_graph import preprocessing_by_extractor, score_converter_of

    post, outputs = summary.postprocess, summary.raw_outputs
    if post is not None:
        outputs = tuple(
            TensorSpec(name, "float32", detection_shape(role, post))
            for name, role in zip(POSTPROCESS_OUTPUTS, DETECTION_ROLES, strict=True)
        )
    notes: list[str] = []
    known, source = _contract_beside(path, notes), f"{CONTRACT_FILE} beside the file"
    if known is None:
        try:
            known, source = preprocessing_by_extractor(nodes), _EXTRACTOR_SCOPE
        except NotSsdGraph as error:
            notes.append(str(error))
    image = next((spec for spec in summary.inputs if spec.name == INPUT_NAME), None)
    boxes, classes = (spec.shape for spec in summary.raw_outputs)
    return dataclasses.replace(
        facts,
        graph=GraphKind.EXPORTED,
        inputs=describe_inputs(summary.inputs),
        outputs=describe_outputs(outputs, POSTPROCESS_OUTPUTS if post else (), post),
        preprocessing=None if image is None else describe_preprocessing(image, known, source),
        score_converter=score_converter_of(nodes),
        num_classes=post.num_classes if post else classes[-1] - 1 if classes else None,
        anchors=_rows(nodes, summary) or (boxes[1] if len(boxes) == 3 else None),
        notes=tuple(notes),
    )


def _rows(nodes: Any, summary: GraphSummary) -> int | None:
    if summary.anchors:
        return summary.anchors[0]
    if len(summary.postprocess_inputs) < 3:
        return None
    anchors = nodes.constant(summary.postprocess_inputs[2])
    return None if anchors is None or not anchors.shape else int(anchors.shape[0])


def _contract_beside(path: Path, notes: list[str]) -> Preprocessing | None:
    if path.stem != Path(GRAPH_FILE).stem or not path.with_name(CONTRACT_FILE).is_file():
        return None
    try:
        return read_contract(path.parent)[0].preprocessing
    except GraphError as error:
        notes.append(f"{CONTRACT_FILE} beside it is ignored: {error.got}")
        return None


def _inference(facts: GraphFacts, reading: Any, nodes: Any, classes: int | None) -> GraphFacts:
    nms = reading.nms
    own = OwnSuppression(
        reading.score_converter,
        reading.box_coder_scales,
        nms.score_threshold,
        nms.iou_threshold,
        nms.max_detections_per_class,
        nms.max_total_detections,
    )
    total = nms.max_total_detections
    shapes = {"detection_boxes": (-1, total, 4), "num_detections": (-1,)}
    outputs = [
        TensorSpec(name, _dtype(nodes, name), shapes.get(name, (-1, total)))
        for name in DETECTION_OUTPUTS
    ]
    known = reading.preprocessing
    # What the extractor is given: the graph does the same to its own image_tensor.
    image = TensorSpec(INPUT_NAME, "float32", (1, known.height, known.width, 3))
    return dataclasses.replace(
        facts,
        graph=GraphKind.INFERENCE,
        outputs=describe_inference_tensors(outputs),
        preprocessing=describe_preprocessing(image, known, "the graph's own preprocessor"),
        own_suppression=own,
        score_converter=reading.score_converter,
        num_classes=classes,
    )


def _dtype(nodes: Any, name: str) -> str:
    """Of a node's first output, by its attributes; empty where they do not state it."""
    from tensorflow.core.framework import types_pb2
    from tensorflow.python.framework import dtypes

    attributes = nodes.nodes[name].attr
    for key in ("T", "dtype", "DstT", "output_type"):
        stated = attributes[key].type if key in attributes else 0
        if stated and stated in types_pb2.DataType.values():
            return str(dtypes.as_dtype(attributes[key].type).name)
    return ""


def _fake_quant(graph: Any, *, evaluated: bool) -> FakeQuantCount | None:
    from validation.export.fake_quant_reading import fake_quant_facts
    from validation.export.graph_map import FAKE_QUANT

    nodes = [node for node in graph.node if node.op in FAKE_QUANT]
    if not nodes:
        return None
    bits = tuple(sorted({int(node.attr["num_bits"].i) for node in nodes}))
    if not evaluated:
        return FakeQuantCount(len(nodes), None, None, bits, (), ())
    try:
        facts = fake_quant_facts(graph)
    except GraphError:
        return FakeQuantCount(len(nodes), None, None, bits, (), ())
    without = tuple(each.name for each in facts.activations if each.ranged_by is None)
    return FakeQuantCount(
        len(nodes), len(facts.weights), len(facts.ranges), bits, without, facts.bare_weights
    )


def _not_convertible(kind: GraphKind, summary: GraphSummary) -> str:
    if kind is GraphKind.INFERENCE:
        loops = sum(count for op, count in summary.ops.items() if op.startswith("TensorArray"))
        suppressions = sum(count for op, count in summary.ops.items() if "NonMaxSuppression" in op)
        return (
            "it takes images of any size and suppresses by itself, in ops that TFLite does not "
            f"have ({loops} TensorArray, {suppressions} NonMaxSuppression): export it first"
        )
    if kind is GraphKind.OTHER:
        return "the exporter did not write it"
    if summary.variables:
        return f"it is not frozen: {first_few(summary.variables)} are variables"
    if summary.training_batch_norms:
        return f"{summary.training_batch_norms} batch norms still normalise by their batch"
    return ""


def _variants(facts: GraphFacts, *, quantised: bool) -> list[str]:
    """What the converter makes of it; a graph that ends in raw outputs gives raw files only."""
    if facts.graph is GraphKind.OTHER:
        return []
    from validation.convert.conversion import SETTINGS, Source

    with_op = facts.graph is GraphKind.INFERENCE or facts.postprocess is not None
    return [
        variant.name
        for variant in VARIANTS.values()
        if (SETTINGS[variant.scheme].source is Source.FAKE_QUANT) is quantised
        and (with_op or not variant.add_postprocessing_op)
    ]


def _defaulted(graph: Any) -> tuple[str, ...]:
    node = next((node for node in graph.node if node.op == POSTPROCESS_NAME), None)
    return () if node is None else tuple(name for name in KERNEL_DEFAULTS if name not in node.attr)
