"""Folding: blocks by scope, like blocks in a row, and never a loop between blocks."""

from __future__ import annotations

from drawn_graphs import Line, operation_graph, separable_chain
from hypothesis import given
from hypothesis import strategies as st

from validation.diagrams.columns import TALLEST, column_of
from validation.diagrams.dot import dot_text
from validation.diagrams.drawing import drawn
from validation.diagrams.folding import FoldedGraph, fold
from validation.diagrams.operations import OperationGraph, shape_text
from validation.diagrams.rows import MOST_ROWS, rows_of
from validation.diagrams.sections import Section

_SCOPES = (
    "FeatureExtractor/M/M/Conv2d_1_depthwise",
    "FeatureExtractor/M/M/Conv2d_1_pointwise",
    "FeatureExtractor/M/M/Mixed_3b/Branch_0",
    "FeatureExtractor/M/layer_2_Conv2d_2_1x1_64",
    "BoxPredictor_0/BoxEncodingPredictor",
    "BoxPredictor_0/ClassPredictor",
    "Postprocessor/Decode",
    "Preprocessor/map/while",
    "",
)


@st.composite
def _graphs(draw: st.DrawFn) -> OperationGraph:
    """Any wiring of operations in the OD API's scopes; some read what comes later, as loops do."""
    count = draw(st.integers(min_value=0, max_value=25))
    names = [f"{draw(st.sampled_from(_SCOPES))}/op_{place}" for place in range(count)]
    lines: list[Line] = []
    for place, name in enumerate(names):
        earlier = st.sampled_from(["image", *names[:place]])
        sources = draw(st.lists(earlier, max_size=3))
        if place and draw(st.integers(0, 9)) == 0:
            sources.append(draw(st.sampled_from(names)))
        kind = draw(st.sampled_from(["CONV_2D", "Relu6", "Add", "Shape", "Pack", "Exit"]))
        shape = draw(st.sampled_from([None, (), (1, 8, 8, 3), (-1, -1, -1, 4)]))
        lines.append((kind, name, sources, shape))
    return operation_graph(lines, outputs=names[-2:])


def _titles(folded: FoldedGraph) -> list[str]:
    return [block.title for block in folded.blocks]


@given(_graphs(), st.booleans())
def test_no_operation_is_lost_and_no_block_reads_itself_by_a_detour(
    graph: OperationGraph, full: bool
) -> None:
    """Each operation stands in one block; blocks come after what they read, but for loops."""
    folded = fold(graph, full=full)
    places = [place for block in folded.blocks for place in block.operations]
    assert len(set(places)) == len(places)
    if full:
        assert len(places) == len(graph.operations)
    elif all(block.like == 1 for block in folded.blocks):
        assert len(places) == len(folded.graph.operations)
    order = {key: i for i, op in enumerate(folded.graph.operations) for key in op.outputs}
    for link in folded.links:
        if link.tail is None or link.head is None:
            continue
        readers = [
            place
            for place in folded.blocks[link.head].operations
            if link.tensor in folded.graph.operations[place].inputs
        ]
        # Only what stands after its source in the file was promised to be drawn below it.
        if readers and min(readers) > order[link.tensor]:
            assert link.tail < link.head


@given(_graphs(), st.booleans())
def test_every_end_of_an_edge_is_a_node(graph: OperationGraph, full: bool) -> None:
    """A key without a node would be drawn by dot as an empty ellipse."""
    diagram = drawn(fold(graph, full=full))
    keys = {node.key for node in diagram.nodes}
    assert {end for edge in diagram.edges for end in (edge.tail, edge.head)} <= keys
    framed = [key for c in diagram.clusters for d in (c, *c.clusters) for key in d.nodes]
    assert set(framed) <= keys
    assert len(set(framed)) == len(framed)
    assert dot_text(diagram).endswith("}\n")


def test_two_halves_are_one_block_and_like_blocks_one_node() -> None:
    """Thirteen separable blocks of one shape are one node that says so."""
    chain = separable_chain(13)
    folded = fold(operation_graph(chain, outputs=[chain[-1][1]]))
    assert _titles(folded) == ["Conv2d_0 … Conv2d_12"]
    assert folded.blocks[0].like == 13
    (node,) = [node for node in drawn(folded).nodes if not node.is_end]
    assert "13 like blocks" in node.note
    assert [row[0] for row in node.rows] == ["DEPTHWISE_CONV_2D", "CONV_2D"]


def test_a_feature_map_ends_a_run_of_like_blocks() -> None:
    """What a head reads must be seen to leave its block."""
    chain = separable_chain(5)
    tap = chain[5][1]
    head: Line = ("CONV_2D", "BoxPredictor_0/BoxEncodingPredictor/BiasAdd", [tap], (1, 8, 8, 12))
    folded = fold(operation_graph([*chain, head], outputs=[chain[-1][1], head[1]]))
    assert _titles(folded)[:2] == ["Conv2d_0 … Conv2d_2", "Conv2d_3 … Conv2d_4"]


def test_full_draws_each_operation() -> None:
    """Nothing is folded, and frames are scopes."""
    chain = separable_chain(3)
    folded = fold(operation_graph(chain, outputs=[chain[-1][1]]), full=True)
    assert len(folded.blocks) == 6
    (extractor,) = drawn(folded).clusters
    assert [frame.title for frame in extractor.clusters] == ["Conv2d_0", "Conv2d_1", "Conv2d_2"]


def test_a_scope_left_and_entered_again_is_two_blocks() -> None:
    """One block would have to stand above and below the same other one."""
    lines: list[Line] = [
        ("Mul", "Postprocessor/Decode/first", ["image"], (4,)),
        ("Exp", "Preprocessor/between", ["Postprocessor/Decode/first"], (4,)),
        ("Mul", "Postprocessor/Decode/second", ["Preprocessor/between"], (4,)),
    ]
    folded = fold(operation_graph(lines, outputs=["Postprocessor/Decode/second"]))
    assert _titles(folded).count("Postprocessor/Decode") == 2


def test_arithmetic_on_shapes_is_left_out() -> None:
    """A reshape stays, what computed its shape goes; in full both stay."""
    lines: list[Line] = [
        ("Conv2D", "BoxPredictor_0/ClassPredictor/Conv2D", ["image"], (1, 8, 8, 9)),
        ("Shape", "BoxPredictor_0/Shape", ["image"], (4,)),
        ("Pack", "BoxPredictor_0/stack", ["BoxPredictor_0/Shape"], (3,)),
        (
            "Reshape",
            "BoxPredictor_0/Reshape_1",
            ["BoxPredictor_0/ClassPredictor/Conv2D", "BoxPredictor_0/stack"],
            (1, 64, 9),
        ),
    ]
    graph = operation_graph(lines, outputs=["BoxPredictor_0/Reshape_1"])
    folded = fold(graph)
    assert [op.kind for op in folded.graph.operations] == ["Conv2D", "Reshape"]
    (block,) = folded.blocks
    assert block.section is Section.CLASSES
    assert len(fold(graph, full=True).blocks) == 4


def test_followers_share_a_line_and_long_blocks_are_counted() -> None:
    """BatchNorm and activation stand beside their convolution; loops of hundreds are sums."""
    scope = "FeatureExtractor/M/M/Conv2d_0"
    lines: list[Line] = [
        ("Conv2D", f"{scope}/Conv2D", ["image"], (1, 8, 8, 3)),
        ("FusedBatchNormV3", f"{scope}/BatchNorm", [f"{scope}/Conv2D"], (1, 8, 8, 3)),
        ("Relu6", f"{scope}/Relu6", [f"{scope}/BatchNorm"], (1, 8, 8, 3)),
    ]
    many: list[Line] = [
        ("Gather", f"Postprocessor/Loop/g_{place}", ["image"], (4,)) for place in range(40)
    ]
    many.append(("NonMaxSuppressionV3", "Postprocessor/Loop/nms", ["image"], (4,)))
    folded = fold(operation_graph([*lines, *many], outputs=["Postprocessor/Loop/nms"]))
    (first,), counted = (rows_of(folded.graph, block) for block in folded.blocks)
    assert (first.what, first.shape) == ("Conv2D + BatchNorm + Relu6", shape_text((8, 8, 3)))
    assert len(counted) <= MOST_ROWS
    assert [row.what for row in counted] == ["41 operations", "NonMaxSuppressionV3", "Gather"]
    assert counted[2].shape == "40"


def test_long_chains_stand_in_columns() -> None:
    """A chain that is far taller than a picture may be is cut into even columns."""
    chain = separable_chain(60)
    folded = fold(operation_graph(chain, outputs=[chain[-1][1]]), full=True)
    lines = [2] * len(folded.blocks)
    columns = column_of(folded, lines)
    count = 1 + max(columns.values())
    assert count >= 3
    assert list(columns.values()) == sorted(columns.values())
    tallest = max(list(columns.values()).count(column) for column in range(count))
    assert tallest <= 1.3 * len(chain) / count
    diagram = drawn(folded)
    assert [c.title for c in diagram.clusters] == [
        f"Feature extractor, part {place} of {count}" for place in range(1, count + 1)
    ]
    assert sum(edge.is_free for edge in diagram.edges) == count - 1


def test_short_chains_stand_in_one_column() -> None:
    """Nothing is cut that can be read as it is."""
    chain = separable_chain(4)
    folded = fold(operation_graph(chain, outputs=[chain[-1][1]]), full=True)
    assert TALLEST > 100
    assert set(column_of(folded, [2] * len(folded.blocks)).values()) == {0}
