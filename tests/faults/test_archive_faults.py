"""An archive with a known fault: the user reads what is wrong, where, and why.

Each row puts one fault into a good archive, takes a step that a user takes, and demands the
message that would have helped. The ids are those of a list of faults that was collected from
public issue threads; the variants beside them are there so that the harness does not know
that list alone. See test_config_faults for its other half.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import archive_faults as put
import numpy as np
import pytest
import small_ssd

from validation.faults import archive_edits as edits

_TYPE = put.place(small_ssd.TEXT, "type:", "model.ssd.feature_extractor.type")


def _noise(value: edits.Array) -> edits.Array:
    return value + np.random.default_rng(1).normal(0, 0.1, value.shape)


ARCHIVE = (
    # ------------------------------------------------------------- A01: the archive is incomplete
    put.Row(
        "A01 bare checkpoint without config",
        (edits.bare, edits.remove(put.CONFIG)),
        put.suite("archive"),
        (
            put.FAILED,
            r"lacks frozen_inference_graph\.pb, a checkpoint with .* or pipeline\.config",
        ),
    ),
    put.Row(
        "A01 graph without config",
        (edits.remove(put.CONFIG),),
        put.suite("evidence"),
        ("no pipeline.config: nothing confirms the thresholds, anchors and layers of the graph",),
    ),
    put.Row(
        "A01 config that is not where it is said to be",
        (edits.remove(put.CONFIG),),
        put.export(),
        (
            put.REFUSED,
            r"no such pipeline.config \(small/pipeline.config\)",
        ),
    ),
    put.Row(
        "A01 no shard",
        (edits.bare, edits.remove(edits.SHARD)),
        put.suite("archive"),
        (put.FAILED, r"half a checkpoint: model\.ckpt lacks model\.ckpt\.data-\*"),
    ),
    put.Row(
        "A01 no index",
        (edits.bare, edits.remove("model.ckpt.index")),
        put.suite("archive"),
        (put.FAILED, r"half a checkpoint: model\.ckpt lacks model\.ckpt\.index"),
    ),
    put.Row(
        "A01 one of two shards",
        (edits.bare, edits.in_two_shards, edits.remove("*.data-00001-of-00002")),
        put.suite("archive"),
        (put.FAILED, r"half a checkpoint: model\.ckpt lacks model\.ckpt\.data-00001-of-00002"),
    ),
    put.Row(
        # The graph can be tested all the same, so this is told and not held against it.
        "A01 no shard beside a graph",
        (edits.remove(edits.SHARD),),
        put.suite("archive"),
        ("^PASS ", r"half a checkpoint: model\.ckpt lacks model\.ckpt\.data-\*"),
    ),
    put.Row(
        "A01 no shard, exported",
        (edits.remove(edits.SHARD),),
        put.export(),
        (put.REFUSED, rf"{edits.SHARD}; No such file", "fetch the archive again"),
    ),
    # ------------------------------------------------- A02: checkpoint and frozen graph disagree
    put.Row(
        "A02 noise on one convolution",
        (edits.weights("Conv2d_0/weights", _noise),),
        put.suite("route_parity"),
        (
            put.FAILED,
            r"checkpoint: weights differ: \S+Conv2d_0/weights \(216 of 216 values, by up to ",
            r"box_encodings_max_abs_diff is [0-9.]+, should be at most",
            r"\[box_encodings_max_abs_diff, class_predictions_max_abs_diff, differing_parts\]$",
        ),
    ),
    put.Row(
        "A02 one bias of one head",
        (edits.weights("BoxPredictor_3/BoxEncodingPredictor/biases", lambda b: b + np.eye(24)[5]),),
        put.suite("route_parity"),
        (
            put.FAILED,
            r"weights differ: BoxPredictor_3/\S+/biases \(1 of 24 values, by up to 1, axis",
            r"\[box_encodings_max_abs_diff, differing_parts\]$",
        ),
    ),
    # -------------------------------------------------------------- A04: wrong checkpoint prefix
    *(
        put.Row(
            f"A04 {suffix} left on the prefix",
            (),
            put.export(prefix=f"{edits.CHECKPOINT}{suffix}"),
            (
                put.REFUSED,
                r"prefix ends before \.index, \.meta and \.data-\*",
                rf"expected model\.ckpt, got {re.escape(edits.CHECKPOINT + suffix)}",
            ),
        )
        for suffix in (".index", ".meta", ".data-00000-of-00001")
    ),
    put.Row(
        "A04 prefix of another step",
        (),
        put.export(prefix="model.ckpt-50000"),
        (
            put.REFUSED,
            r"expected model\.ckpt-50000\.index, got model\.ckpt\.index",
            r"give .*model\.ckpt$",
        ),
    ),
    put.Row(
        "A04 folder for a prefix",
        (),
        put.export(prefix="."),
        (put.REFUSED, "a folder is not a checkpoint prefix", r"give .*/small/model\.ckpt$"),
    ),
    # ---------------------------------------------------------- A05: a checkpoint of TensorFlow 2
    put.Row(
        "A05 checkpoint beside a graph",
        (edits.tf2_checkpoint(),),
        put.suite("route_parity"),
        (put.FAILED, r"object-based checkpoint of TensorFlow 2 \(model\.ckpt\)", "name-based"),
    ),
    put.Row(
        "A05 bare checkpoint",
        (edits.bare, edits.tf2_checkpoint()),
        put.export(),
        (put.REFUSED, "object-based checkpoint of TensorFlow 2", "with the TensorFlow 2 OD API"),
    ),
    put.Row(
        "A05 archive of the TensorFlow 2 zoo",
        (edits.bare, edits.tf2_checkpoint("checkpoint", "ckpt-0")),
        put.suite("archive"),
        (
            put.FAILED,
            "checkpoint/ holds an object-based checkpoint of TensorFlow 2",
            "TensorFlow 2 OD API",
        ),
    ),
    put.Row(
        "A05 config of TensorFlow 2",
        (edits.bare, edits.edit("ssd_mobilenet_v1", "ssd_mobilenet_v2_keras")),
        put.export(),
        (put.REFUSED, "ssd_mobilenet_v2_keras belongs to the TensorFlow 2 OD API", _TYPE),
    ),
    # ------------------------------------------------------------------ A06: damaged checkpoint
    put.Row(
        "A06 one byte of the shard",
        (edits.without_frozen, edits.damage(edits.SHARD)),
        put.suite("archive"),
        (
            put.FAILED,
            r"variable '.+' cannot be read from the checkpoint \(model\.ckpt\)",
            "shard 0 .*Checksum does not match",
            "a shard is damaged or missing: fetch the archive again",
        ),
    ),
    put.Row(
        "A06 one byte of the other shard",
        (edits.in_two_shards, edits.damage("model.ckpt.data-00001-of-00002")),
        put.export(),
        (put.REFUSED, "shard 1 .*Checksum does not match"),
    ),
    put.Row(
        "A06 half of the shard",
        (edits.cut(edits.SHARD),),
        put.export(),
        (put.REFUSED, "variable '.+' cannot be read", "a shard is damaged or missing"),
    ),
    put.Row(
        "A06 one byte of the index",
        (edits.damage("model.ckpt.index"),),
        put.suite("route_parity"),
        (
            put.FAILED,
            "checksum mismatch",
            r"model\.ckpt\.index is damaged: fetch the archive again",
        ),
    ),
    put.Row(
        "A06 half of the frozen graph",
        (edits.cut(put.FROZEN),),
        put.export(prefix=None),
        (put.REFUSED, r".*/small/frozen_inference_graph\.pb\)", "again"),
    ),
)


@pytest.mark.parametrize("row", ARCHIVE, ids=lambda row: row.fault)
def test_message_helps(row: put.Row, archives: Path, cache: Path, tmp_path: Path) -> None:
    """One line says what is wrong, where, and what the cause is."""
    put.assert_told(row, put.told_of(row, archives, tmp_path, cache))


def test_good_archives_are_not_blamed(archives: Path, cache: Path) -> None:
    """No false alarm: every step of the tables ends well without a fault."""
    for check in ("archive", "export_contract", "route_parity"):
        assert put.suite(check)(archives / "small", cache).startswith("PASS ")
    for step in (put.export(), put.export(prefix=None)):
        assert step(archives / "small", cache).startswith("EXIT 0 ")
    assert put.suite("route_parity")(archives / "pyramid", cache).startswith("PASS ")


def test_good_bare_checkpoint_is_not_blamed(archives: Path, cache: Path, tmp_path: Path) -> None:
    """Nor where the graph is built from the config and the checkpoint is in two shards."""
    archive = Path(shutil.copytree(archives / "small", tmp_path / "zoo" / "small"))
    edits.in_two_shards(archive)
    edits.bare(archive)
    assert put.export()(archive, cache).startswith("EXIT 0 ")


def test_every_archive_fault_of_the_list_has_a_row() -> None:
    """By the ids of the list."""
    assert {row.fault.partition(" ")[0] for row in ARCHIVE} == {"A01", "A02", "A04", "A05", "A06"}
