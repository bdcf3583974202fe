"""Addresses within a model's page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.checks.registry import CHECKS
from validation.record.types import REFERENCE, ModelKey
from validation.report.anchors import check_anchor, subject_anchor
from validation.specs.variants import VARIANTS

SECTIONS = [
    "accuracy",
    "detections",
    "parity",
    "layers",
    "latency",
    "pictures",
    "artefacts",
    "checks",
    "commands",
    "summary",
]
CHECK_NAMES = st.one_of(
    st.sampled_from([check.name for check in CHECKS]),
    st.text(min_size=1),
    st.sampled_from(("raw", "a-b", "a_b")),
)
FILE_NAMES = st.one_of(
    st.text(min_size=1),
    st.sampled_from((*SECTIONS, *VARIANTS, "a b.tflite", "a-b.tflite", "x.tflite-accuracy")),
    st.text("aB.-_ /", min_size=1).map(lambda text: f"{text}.tflite"),
)
KEYS = st.one_of(
    st.sampled_from((*VARIANTS, REFERENCE)).map(lambda name: ModelKey("m", name)),
    st.tuples(st.sampled_from(tuple(VARIANTS)), FILE_NAMES).map(lambda of: ModelKey("m", *of)),
)


@pytest.mark.parametrize(
    ("key", "anchor"),
    [
        (ModelKey("m", "int8"), "int8"),
        (ModelKey("m", "float16-raw"), "float16-raw"),
        (ModelKey("m", REFERENCE), "reference"),
        (ModelKey("m", "float", "Detect-v2.tflite"), "Detect-v2.tflite"),
    ],
)
def test_a_subject_is_called_by_its_own_name(key: ModelKey, anchor: str) -> None:
    assert subject_anchor(key) == anchor


def test_a_check_follows_its_subject() -> None:
    assert check_anchor(ModelKey("m", "int8"), "accuracy") == "int8-accuracy"
    assert check_anchor(ModelKey("m", "float", "a.tflite"), "raw_parity") == "a.tflite-raw_parity"


@given(st.lists(KEYS, unique=True, max_size=8), st.lists(CHECK_NAMES, unique=True, max_size=8))
def test_no_two_are_alike_and_all_can_stand_in_an_address(
    keys: list[ModelKey], checks: list[str]
) -> None:
    # A given file is known by its name alone, as the command line refuses two of one name.
    keys = list({key.file or key.variant: key for key in keys}.values())
    anchors = [subject_anchor(key) for key in keys]
    anchors += [check_anchor(key, check) for key in keys for check in checks]
    anchors += SECTIONS

    assert len(set(anchors)) == len(anchors)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", anchor) for anchor in anchors)
