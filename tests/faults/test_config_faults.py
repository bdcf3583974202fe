"""A config that is not its archive's: the user reads what is wrong, in which line, and why.

As test_archive_faults, for the faults of a pipeline.config and of the code beside it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import archive_faults as put
import numpy as np
import pytest
import small_ssd

from validation.errors import GraphError
from validation.faults import archive_edits as edits
from validation.graphs.mismatch import Described
from validation.graphs.restore import plan_restore

_SMALL, _PYRAMID = small_ssd.TEXT, small_ssd.PYRAMID_TEXT
_TYPE = put.place(_SMALL, "type:", "model.ssd.feature_extractor.type")
_CLASSES = put.place(_SMALL, "num_classes:", "model.ssd.num_classes")
_ANCHORS = put.place(_SMALL, " anchor_generator {", "model.ssd.anchor_generator")
_RESIZER = put.place(_SMALL, "image_resizer", "model.ssd.image_resizer")
_DEPTH = put.place(_SMALL, "depth_multiplier", "model.ssd.feature_extractor.depth_multiplier")
_MISFIT = "checkpoint and config describe different models: "
_RESIZE = "fixed_shape_resizer { height: 64 width: 96 }"
_DEEPER = "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_1_Conv2d_3_1x1_16/weights"
_ROOT = Path(__file__).parents[2]


CONFIG = (
    # ---------------------------------------------------- C01: fields that no message knows
    put.Row(
        "C01 unknown field",
        (edits.edit("depth_multiplier: 0.125", "depth_multiplier: 0.125 use_depthwis: true"),),
        put.suite("export_contract"),
        (
            put.FAILED,
            "unknown field 'use_depthwis' in SsdFeatureExtractor",
            put.place(_SMALL, "depth_multiplier", "model.ssd.feature_extractor.use_depthwis"),
            "did you mean 'use_depthwise'?",
        ),
    ),
    put.Row(
        "C01 unknown value",
        (edits.edit("RELU_6", "RELU_7"),),
        put.export(),
        (
            put.REFUSED,
            "no value named RELU_7",
            r"small/pipeline\.config, line 10\b",
            "did you mean 'RELU_6'?",
        ),
    ),
    put.Row(
        "C01 field of TensorFlow 2",
        (edits.bare, edits.edit("depth_multiplier: 0.125", "bifpn { min_level: 3 max_level: 7 }")),
        put.export(),
        (
            put.REFUSED,
            "bifpn belong to the TensorFlow 2 OD API",
            put.place(_SMALL, "depth_multiplier", "model.ssd.feature_extractor.bifpn"),
        ),
    ),
    put.Row(
        "C01 brace gone",
        (edits.edit(f"{_RESIZE} }}", _RESIZE),),
        put.suite("export_contract"),
        (
            put.FAILED,
            "ConfigError: 'feature_extractor' of Ssd is inside",
            "a closing brace seems",
        ),
    ),
    # -------------------------------------------------------- C02: extractor not registered
    put.Row(
        "C02 unknown extractor, bare checkpoint",
        (edits.bare, edits.edit("ssd_mobilenet_v1", "ssd_mobilenet_v2_mnas_fpn")),
        put.export(),
        (
            put.REFUSED,
            "unknown feature extractor 'ssd_mobilenet_v2_mnas_fpn'",
            _TYPE,
            "the closest known ones are ssd_mobilenet_v2_mnasfpn, ",
        ),
    ),
    put.Row(
        "C02 unknown extractor beside a graph",
        (edits.edit("ssd_mobilenet_v1", "ssd_mobilnet_v1"),),
        put.suite("route_parity"),
        (
            "^UNKNOWN ",
            "unknown feature extractor 'ssd_mobilnet_v1'",
            _TYPE,
            "are ssd_mobilenet_v1, ",
        ),
    ),
    # ----------------------------------------------------- C03: num_classes of another model
    *(
        put.Row(
            f"C03 num_classes {said}, against the graph",
            (edits.edit("num_classes: 3", f"num_classes: {said}"),),
            step,
            (f"num_classes: graph 3, config {said}", _CLASSES),
        )
        for said, step in ((2, put.suite("export_contract")), (90, put.export(prefix=None)))
    ),
    put.Row(
        "C03 num_classes 2, against the checkpoint",
        (edits.bare, edits.edit("num_classes: 3", "num_classes: 2")),
        put.export(),
        (
            put.REFUSED + _MISFIT,
            "class head has 4 columns an anchor, that is num_classes: 3",
            rf"the config says 2 \(small{_CLASSES}\), that is 3 columns",
            r"\(model\.ckpt and small/pipeline\.config\)",
        ),
    ),
    # ----------------------------------------------------- C04: another number of anchors
    put.Row(
        "C04 an aspect ratio too few",
        (edits.edit(" aspect_ratios: 0.3333", ""),),
        put.suite("route_parity"),
        (
            put.FAILED + "GraphError: " + _MISFIT,
            "6 anchors a cell in the checkpoint, 5 in the config",
            _ANCHORS,
            "for BoxPredictor_1, BoxPredictor_2, .*BoxPredictor_5",
        ),
    ),
    put.Row(
        "C04 one head for all levels",
        (edits.bare, edits.edit("scales_per_octave: 2", "scales_per_octave: 3")),
        put.export(),
        (
            put.REFUSED + _MISFIT,
            "6 anchors a cell in the checkpoint, 9 in the config",
            put.place(_PYRAMID, " anchor_generator {", "model.ssd.anchor_generator"),
        ),
        "pyramid",
    ),
    put.Row(
        "C04 an aspect ratio too many, no checkpoint",
        (
            edits.remove("model.ckpt*", "checkpoint"),
            edits.edit("s: 3.0", "s: 3.0 aspect_ratios: 4.0"),
        ),
        put.suite("route_parity"),
        (
            put.FAILED,
            "6 anchors a cell in the checkpoint, 7 in the config",
            _ANCHORS,
            r"\(weights of the frozen graph, graph of small/pipeline\.config\)",
        ),
    ),
    # ------------------------------------------- C05: as many anchors, in other places
    *(
        put.Row(
            f"C05 {old} becomes {new}",
            (edits.edit(old, new),),
            put.suite("route_parity"),
            (
                put.FAILED + "anchors at ",
                rf"pipeline\.config: anchors are others: {what}",
                r"anchors_max_abs_diff is [0-9.]+, should be at most",
                r"\[anchors_max_abs_diff, differing_parts\]$",
            ),
            archive,
        )
        for old, new, what, archive in (
            ("min_scale: 0.2", "min_scale: 0.1", "4x6 grid: scale 0.1633 ", "small"),
            ("anchor_scale: 4", "anchor_scale: 2", "all sides times 0.5", "pyramid"),
        )
    ),
    # ----------------------------------------------------- C07: no fixed input size
    put.Row(
        "C07 keep_aspect_ratio_resizer",
        (edits.edit(_RESIZE, "keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 96 }"),),
        put.suite("export_contract"),
        (
            put.FAILED,
            "expected fixed_shape_resizer { height: H width: W }, got keep_aspect_ratio_resizer",
            _RESIZER,
            "use fixed_shape_resizer HxW; accuracy changes, re-evaluate",
        ),
    ),
    put.Row(
        "C07 no resizer, bare checkpoint",
        (edits.bare, edits.edit(_RESIZE, "")),
        put.export(),
        (put.REFUSED, "the input size is not fixed", "got no image_resizer", _RESIZER),
    ),
    # ------------------------------------------- E11: layers of another depth than the code's
    put.Row(
        "E11 one layer, built from the config",
        (edits.bare, edits.weights(_DEEPER, lambda value: np.repeat(value, 5, axis=2))),
        put.export(),
        (
            put.REFUSED + _MISFIT,
            rf"another depth in 1 of [0-9]+ layers, first {_DEEPER} is \[1, 1, 64, 16\] in the "
            r"graph, \[1, 1, 320, 16\] in the checkpoint",
            "code and checkpoint come from different releases",
            "export from the .meta or frozen graph that came with the checkpoint",
        ),
    ),
    put.Row(
        "E11 one layer, against the .meta",
        (edits.weights(_DEEPER, lambda value: np.repeat(value, 5, axis=2)),),
        put.export(),
        (
            put.REFUSED,
            "1 variables have another shape in the checkpoint",
            rf"{_DEEPER} is \[1, 1, 64, 16\] in the graph, \[1, 1, 320, 16\] in the checkpoint",
            r"\(model\.ckpt\.meta\)",
            "different releases of the OD API",
        ),
    ),
    put.Row(
        "E11 every layer",
        (edits.edit("depth_multiplier: 0.125", "depth_multiplier: 0.25"),),
        put.suite("route_parity"),
        (
            put.FAILED + "GraphError: " + _MISFIT,
            "another depth in [0-9]+ of [0-9]+ layers, first .*/Conv2d_1_pointwise/weights is ",
            rf"depth_multiplier or min_depth \(small{_DEPTH}\) was another one in training",
        ),
    ),
)


@pytest.mark.parametrize("row", CONFIG, ids=lambda row: row.fault)
def test_message_helps(row: put.Row, archives: Path, cache: Path, tmp_path: Path) -> None:
    """One line says what is wrong, where, and what the cause is."""
    put.assert_told(row, put.told_of(row, archives, tmp_path, cache))


@pytest.mark.parametrize("ranges", ["weights_quant", "act_quant", "conv_quant"])
def test_float_checkpoint_of_a_quantised_config(ranges: str) -> None:
    """C13: the checkpoint has no ranges, so it was not trained with quantisation."""
    text = _SMALL + "graph_rewriter { quantization { delay: 100 } }\n"
    config = small_ssd.config(text)
    layer = "FeatureExtractor/MobilenetV1/Conv2d_0"
    checkpoint = {f"{layer}/weights": (3, 3, 3, 8)}
    with pytest.raises(GraphError) as caught:
        plan_restore(
            checkpoint | {f"{layer}/{ranges}/min": (), f"{layer}/{ranges}/max": ()},
            checkpoint,
            use_moving_averages=False,
            config=Described.of(config),
            where="model.ckpt and small/pipeline.config",
        )
    for expected in (
        r"the checkpoint has no quantisation ranges \(act_quant/weights_quant min and max\): it ",
        r"was not trained with quantisation; remove graph_rewriter \(.+\) or take the QAT ",
        put.place(text, "graph_rewriter", "graph_rewriter"),
        f"2 variables without a tensor in the checkpoint: {layer}/{ranges}/min, ",
    ):
        assert re.search(expected, str(caught.value)), caught.value


def test_suites_print_the_message(
    archives: Path, cache: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the steps above return is what stands on the screen after `pytest suites`."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(_ROOT / name, pytester.path / name)
    shutil.copytree(_ROOT / "suites", pytester.path / "suites")
    archive = Path(shutil.copytree(archives / "small", pytester.path / "zoo" / "small"))
    edits.edit("num_classes: 3", "num_classes: 90")(archive)
    result = pytester.runpytest_inprocess(
        *("suites", "-p", "no:cacheprovider", "-k", "exported_graph and raw"),
        *("--zoo", archive.parent, "--cache-dir", cache),
    )
    result.assert_outcomes(failed=1)
    message = put.suite("export_contract")(archive, cache).removeprefix("FAIL ")
    assert re.search(rf"num_classes: graph 3, config 90 \(small{_CLASSES}\)", message)
    (said,) = [line for line in result.outlines if line.startswith(message)]
    assert "pipeline.config: the number of classes is another one: 90 instead of 3" in said


def test_every_config_fault_of_the_list_has_a_row() -> None:
    """By the ids of the list; C13 has a test of its own."""
    assert {row.fault.partition(" ")[0] for row in CONFIG} == {
        *("C01", "C02", "C03", "C04", "C05", "C07", "E11")
    }
