"""The distance of two feeds is stated in steps; what is not fed is no difference of feeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.explanation.facts import Aspect
from validation.explanation.interface import interface_facts
from validation.explanation.sides import Side
from validation.inference.feeding import Feeding
from validation.inference.model_file import TfliteModel
from validation.inference.outputs import Ending, OutputBinding
from validation.labels.alignment import no_names
from validation.preprocess.feed import FeedWay
from validation.specs.contracts import Preprocessing
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile


def _side(*, scale: float = 2 / 255, offset: float = 1.0, size: int = 300) -> Side:
    wanted = Preprocessing(size, size, (scale,) * 3, (offset,) * 3)
    return Side("a", no_names(2), 2, None, None, wanted, "itself")


@given(st.floats(1e-3, 1.0), st.floats(-200, 200))
def test_one_normalisation_is_no_difference(scale: float, offset: float) -> None:
    """Whatever it is."""
    side = _side(scale=scale, offset=offset)
    assert interface_facts(side, side) == ()


@given(st.floats(0.25, 64))
def test_an_offset_is_told_in_steps(steps: float) -> None:
    """Of one pixel value."""
    (fact,) = interface_facts(_side(), _side(offset=1 + steps * 2 / 255))
    assert fact.aspect is Aspect.FEED
    stated = float(fact.meaning.partition(" step")[0])
    # Of two digits, as it is written.
    assert stated == pytest.approx(steps, rel=0.06)


def _fed_bytes(stated: Preprocessing | None, way: FeedWay = FeedWay.BYTES) -> Side:
    """An input of 8 bits, half a step off [-1, 1] by its scale, and what somebody states of it."""
    spec = TensorSpec("image", "uint8", (1, 300, 300, 3), 1 / 128, 128)
    wanted = stated or Preprocessing(300, 300, (1 / 128,) * 3, (1.0,) * 3)
    feeding = Feeding(way, wanted, "as apps do", "metadata" if stated else "")
    file = TfliteFile((spec,), (), {}, {}, (), 0, None, (), (), (), "", 0, 0)
    model = TfliteModel(Path("a"), file, feeding, OutputBinding(Ending.OP, ()), 2)
    return Side("a", no_names(2), 2, None, None, wanted, "", tflite=model)


def test_what_bytes_stand_for_is_told_and_no_difference_of_feeds() -> None:
    """Pixels are copied, whatever metadata says: by half a step it says something else."""
    unit = Preprocessing(300, 300, (2 / 255,) * 3, (1.0,) * 3)
    (fact,) = interface_facts(_fed_bytes(unit), _fed_bytes(None))
    assert fact.aspect is None
    assert "[-1, 1] (metadata)" in fact.first
    assert fact.meaning.startswith("0.5 steps apart on average, 1 step at most")
    (fact,) = interface_facts(_fed_bytes(unit, FeedWay.QUANTISED), _fed_bytes(None))[:1]
    assert (fact.what, fact.aspect) == ("what pixels become", Aspect.FEED)


def test_another_size_is_another_feed() -> None:
    """The resize is named with both sizes."""
    (fact,) = interface_facts(_side(), _side(size=320))
    assert (fact.what, fact.first, fact.second) == ("resize", "300x300", "320x320")
