"""What an app is asked to feed gives the extractor what it wants."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.graphs.families import FAMILIES
from validation.inspection.preprocessing import describe_preprocessing, usual_preprocessing
from validation.specs.contracts import Preprocessing
from validation.specs.tensors import TensorSpec

_UNIT = Preprocessing(300, 200, (2 / 255,) * 3, (1.0,) * 3)
_MEANS = Preprocessing(300, 200, (1.0,) * 3, (123.68, 116.779, 103.939))


def _image(dtype: str, scale: float | None = None, zero: int | None = None) -> TensorSpec:
    return TensorSpec("image", dtype, (1, 300, 200, 3), scale, zero)


def test_float_input_is_fed_normalised() -> None:
    """Size, formula, range and source as they were handed in."""
    facts = describe_preprocessing(_image("float32"), _UNIT, "the metadata")
    assert (facts.height, facts.width, facts.source) == (300, 200, "the metadata")
    assert facts.wanted == pytest.approx((-1, 1))
    assert facts.stored is None
    assert facts.feed == "float32, pixel * 0.007843137 - 1"


def test_channels_may_differ() -> None:
    """A formula for each."""
    feed = describe_preprocessing(_image("float32"), _MEANS, "x").feed
    assert feed == "float32, R: pixel - 123.68; G: pixel - 116.779; B: pixel - 103.939"


@pytest.mark.parametrize(
    ("dtype", "scale", "zero", "said"),
    [
        ("uint8", 2 / 255, 128, r"uint8, the pixel as it is \(at most 0\.5 steps off\)"),
        ("uint8", 2 / 255, 127, r"uint8, the pixel as it is \(at most 0\.5 steps off\)"),
        ("uint8", 1 / 127, 128, r"uint8, the pixel as it is \(at most 1 step off\)"),
        ("int8", 2 / 255, 0, r"int8, the pixel -128 \(at most 0\.5 steps off\)"),
        ("uint8", 4 / 255, 64, r"uint8, round\(pixel \* 0\.5 \+ 0\.25\)"),
        ("uint8", 0.0, 0, "nothing can be fed"),
    ],
)
def test_quantised_input(dtype: str, scale: float, zero: int, said: str) -> None:
    """Pixels as they are where rounding is all that stands between; else the formula."""
    facts = describe_preprocessing(_image(dtype, scale, zero), _UNIT, "x")
    assert re.fullmatch(f"{said}.*", facts.feed), facts.feed


@given(
    scale=st.floats(1 / 1000, 1 / 20),
    zero=st.integers(0, 255),
    factor=st.floats(1e-3, 1),
    offset=st.floats(-2, 2),
)
def test_formula_stores_what_is_wanted(
    scale: float, zero: int, factor: float, offset: float
) -> None:
    """The integer that is to be fed stands for pixel * scale - offset, to its rounding."""
    known = Preprocessing(300, 200, (factor,) * 3, (offset,) * 3)
    feed = describe_preprocessing(_image("uint8", scale, zero), known, "x").feed
    rule = re.fullmatch(r"uint8, round\((.*)\)", feed)
    pixels = np.linspace(0, 255, 7)
    fed = eval(rule[1], {"pixel": pixels}) if rule else pixels
    wanted = pixels * factor - offset
    # A step and a half where pixels are fed as they are; seven digits of the formula else.
    assert np.allclose((fed - zero) * scale, wanted, atol=scale * 1.5)


def test_without_a_source_nothing_is_claimed() -> None:
    """What the bytes stand for is reported, and what extractors usually want as such."""
    facts = describe_preprocessing(_image("uint8", 2 / 255, 128))
    assert (facts.source, facts.scale, facts.wanted) == ("", None, None)
    assert facts.stored == pytest.approx((-1.0039, 0.9961), abs=1e-4)
    assert "where the extractor wants [-1, 1]" in facts.feed
    other = describe_preprocessing(_image("uint8", 1.0, 0)).feed
    assert "stand for [0, 255]; not stated: the" in other
    assert "not stated: the" in describe_preprocessing(_image("float32")).feed


def test_open_size_and_odd_types_are_told() -> None:
    """Types that NumPy does not know are no quantised inputs."""
    spec = TensorSpec("image", "bfloat16", (1, -1, -1, 3), 0.1, 0)
    facts = describe_preprocessing(spec)
    assert (facts.height, facts.width, facts.stored) == (None, None, None)
    assert describe_preprocessing(spec, _UNIT, "x").feed.startswith("bfloat16, pixel *")


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_usual_preprocessing_is_the_extractors_own(kind: str) -> None:
    """By type alone the same as the graph that is built."""
    from validation.graphs.registry import extractor_entry

    entry = extractor_entry(kind, "here")
    usual = usual_preprocessing(kind, 1, 2)
    assert (usual.scale, usual.offset) == (entry.scale, entry.offset)
