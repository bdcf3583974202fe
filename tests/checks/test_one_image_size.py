"""By a reference that takes images of one size: both sides see the same whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from miniature_cases import given_case, make_case

from validation.checks.contract_costs import Repair
from validation.checks.contract_runs import detections_with
from validation.checks.end_to_end_parity import end_to_end_parity
from validation.checks.judged_files import files_beside, judged_file
from validation.checks.raw_parity import raw_parity
from validation.policy.limits import Status
from validation.record.run import ArtefactRole
from validation.record.types import CheckResult
from validation.specs.feeds import NOTHING_STATED, InputStats, StatedFeed
from validation.workspace.context import CheckContext
from validation.workspace.saved_model_reference import SavedModelReference

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

    from validation.workspace.sides import Reference

# Height and width of the miniature's input, and of images that its graph resizes itself.
_INPUT, _OTHER = (48, 64), (60, 100)
# float32 sums in another order; a pixel rounded on one side alone moves a score by 1e-3.
_ROUNDING = 1e-5
_SHARED = (
    "both sides get images resized to {}x{} in whole numbers, as the reference takes no others"
)
_APART = "the reference takes images of {}x{} only and gets them resized in whole numbers, the file"

OfSize = Callable[..., CheckContext]


@pytest.fixture
def of_size(miniature: MiniatureFiles, tmp_path: Path) -> OfSize:
    """A variant of the miniature whose graph was exported for images of one size."""
    from validation.export.graph_io import read_graph

    def make(size: tuple[int, int] | None, variant: str = "float") -> CheckContext:
        context = make_case(miniature, variant, canaries=())
        if size is None:
            return context
        graph = read_graph(context.build.reference_graph)
        (image,) = (node for node in graph.node if node.name == "image_tensor")
        for side, length in zip(image.attr["shape"].shape.dim, (1, *size, 3), strict=True):
            side.size = length
        context.build.reference_graph = tmp_path / "frozen_inference_graph.pb"
        context.build.reference_graph.write_bytes(graph.SerializeToString())
        return context

    return make


def _given(
    context: CheckContext, reference: Reference, feed: StatedFeed = NOTHING_STATED
) -> CheckContext:
    """The float file, given back as a stranger's."""
    return given_case(context, context.build.tflite("float"), reference, feed)


def _saved_model(
    context: CheckContext, folder: Path, size: tuple[int | None, int | None]
) -> SavedModelReference:
    from saved_models import write_tf2

    from validation.export.graph_io import read_graph

    path = write_tf2(folder / "saved_model", read_graph(context.build.reference_graph), size=size)
    return SavedModelReference(context.key.model, path, context.runs)


def _parity(context: CheckContext) -> CheckResult:
    (result,) = [each for each in end_to_end_parity(context) if isinstance(each, CheckResult)]
    return result


def _shift(result: CheckResult) -> float:
    (value,) = [each.value for each in result.measures if each.name == "worst_score_shift"]
    assert isinstance(value, float)
    return value


def _is_shared(result: CheckResult, size: tuple[int, int]) -> bool:
    return _SHARED.format(*size) in result.message


@pytest.mark.parametrize("variant", ["float", "raw"])
@pytest.mark.parametrize("size", [_INPUT, _OTHER])
def test_variants_are_in_parity(of_size: OfSize, size: tuple[int, int], variant: str) -> None:
    """Whether the graph resizes what it is given once more or not."""
    context = of_size(size, variant)
    result = _parity(context)
    assert result.status is Status.PASS
    assert _shift(result) < _ROUNDING
    assert _is_shared(result, size)
    (body,) = raw_parity(context)
    assert isinstance(body, CheckResult)
    assert body.status is Status.PASS


def test_a_given_file_is_in_parity_with_a_graph(of_size: OfSize) -> None:
    """As the variant that it is."""
    context = of_size(_INPUT)
    result = _parity(_given(context, context.reference))
    assert result.status is Status.PASS
    assert _shift(result) < _ROUNDING
    assert _is_shared(result, _INPUT)


def test_a_given_file_is_in_parity_with_a_saved_model(of_size: OfSize, tmp_path: Path) -> None:
    """Which says in its origin what it takes."""
    context = of_size(None)
    reference = _saved_model(context, tmp_path, _INPUT)
    result = _parity(_given(context, reference))
    assert result.status is Status.PASS
    assert _shift(result) < _ROUNDING
    assert _is_shared(result, _INPUT)
    assert "takes images of 48x64 only" in reference.origin


@pytest.mark.parametrize("kind", ["graph", "saved model"])
def test_a_wrong_feed_still_fails(of_size: OfSize, tmp_path: Path, kind: str) -> None:
    """The same pixels, and something else made of them."""
    context = of_size(_INPUT if kind == "graph" else None)
    reference: Reference = context.reference
    if kind == "saved model":
        reference = _saved_model(context, tmp_path, _INPUT)
    wrong = StatedFeed(stats=InputStats(0, 255))
    result = _parity(_given(context, reference, wrong))
    assert result.status is Status.FAIL
    assert _is_shared(result, _INPUT)


def test_files_of_another_size_get_stored_images(of_size: OfSize, tmp_path: Path) -> None:
    """What a SavedModel makes of its images is not known; rounding on its side alone is said."""
    context = of_size(None)
    given = _given(context, _saved_model(context, tmp_path, _OTHER))
    assert given.subject.shared_size is None
    result = _parity(given)
    assert result.status is Status.FAIL
    assert _APART.format(*_OTHER) in result.message


def test_references_of_any_size_change_nothing(of_size: OfSize, tmp_path: Path) -> None:
    """Each side resizes stored images, and nothing is said."""
    context = of_size(None)
    saved_model = _saved_model(context, tmp_path, (None, None))
    for case in (context, _given(context, context.reference), _given(context, saved_model)):
        assert case.reference.only_image_size is None
        assert case.subject.shared_size is None
        result = _parity(case)
        assert result.status is Status.PASS
        assert "whole numbers" not in result.message


def test_prices_are_of_the_same_pixels(of_size: OfSize) -> None:
    """A file that is run anew for its price sees what it saw before."""
    context = of_size(_INPUT)
    given = _given(context, context.reference)
    nothing_changed = Repair(preprocessing=given.subject.preprocessing)
    found = detections_with(nothing_changed, given.subject, given.runs, given.key)
    assert found == given.subject.detections()


def test_an_app_feeds_the_file_as_ever(of_size: OfSize) -> None:
    """What lies beside a judged file is not of the reference's making."""

    def feeding(size: tuple[int, int] | None) -> Any:
        context = of_size(size)
        given = _given(context, context.reference)
        beside = files_beside(given, judged_file(given, given.subject.path))
        (facts,) = [each for each in beside if each.role is ArtefactRole.FEEDING]
        return Path(facts.path).read_text()

    assert feeding(_INPUT) == feeding(None)
