"""What a file is fed is what apps feed it, and every disagreement is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.errors import ConversionError
from validation.inference.feed_sources import FeedSources, normalised
from validation.inference.feeding import Feeding, feeding_of
from validation.inference.file_notices import FileNoticeKind
from validation.metadata.model_metadata import (
    ContentType,
    ModelMetadata,
    Normalisation,
    TensorMetadata,
)
from validation.preprocess.feed import FeedWay, fed, prepared_for
from validation.preprocess.prepare import prepare
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import InputStats
from validation.specs.tensors import TensorSpec

_UNIT = normalised(8, 8, InputStats(127.5, 127.5))
_PIXELS = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
_FLOAT = TensorSpec("image", "float32", (1, 8, 8, 3))


def _integer(dtype: str = "uint8", scale: float | None = 1 / 128, zero: int = 128) -> TensorSpec:
    point = None if scale is None else zero
    return TensorSpec("image", dtype, (1, 8, 8, 3), scale, point)


def _metadata(mean: float, std: float, **about: object) -> ModelMetadata:
    image = TensorMetadata(
        "image",
        content=ContentType.IMAGE,
        normalisation=Normalisation((mean,), (std,)),
        **about,  # type: ignore[arg-type]
    )
    return ModelMetadata(inputs=(image,))


def _feeding(spec: TensorSpec, **sources: object) -> Feeding:
    return feeding_of(spec, 8, 8, FeedSources(**sources))  # type: ignore[arg-type]


def _fed(spec: TensorSpec, feeding: Feeding) -> np.ndarray:
    return fed(
        prepare(_PIXELS, prepared_for(feeding.preprocessing, feeding.way)), spec, feeding.way
    )


def _kinds(feeding: Feeding) -> list[FileNoticeKind]:
    return [notice.kind for notice in feeding.notices]


@given(
    scale=st.none() | st.floats(0, 2),
    zero=st.integers(0, 255),
    mean=st.floats(-300, 300),
    std=st.floats(0.01, 300),
)
def test_bytes_of_an_image_reach_a_uint8_input(
    scale: float | None, zero: int, mean: float, std: float
) -> None:
    """Whatever its scale, its zero point and its metadata say, the degenerate among them."""
    spec = _integer(scale=scale, zero=zero)
    for metadata in (None, _metadata(mean, std)):
        feeding = _feeding(spec, metadata=metadata)
        np.testing.assert_array_equal(_fed(spec, feeding)[0], _PIXELS)


def test_int8_input_gets_the_byte_less_128() -> None:
    """As apps convert an image to signed bytes."""
    spec = _integer("int8", 0.02, -14)
    found = _fed(spec, _feeding(spec))
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found[0].astype(int) + 128, _PIXELS)


def test_scale_half_a_step_off_the_byte_is_said() -> None:
    """What is fed, what the file's quantisation would make of it, and the flag for that."""
    feeding = _feeding(_integer(), metadata=_metadata(127.5, 127.5))
    (notice,) = feeding.notices
    assert (notice.kind, notice.moves_figures) == (FileNoticeKind.FEED_DIFFERS, True)
    assert notice.facts["steps"] == 1
    assert "fed the pixel as it is" in notice.describe()
    assert "--feed=quantised" in notice.describe()
    assert "its own metadata" in notice.describe()


def test_quantised_feed_on_request() -> None:
    """By metadata and the input's scale; the notice then names the byte."""
    spec = _integer()
    feeding = _feeding(spec, asked=FeedWay.QUANTISED, metadata=_metadata(127.5, 127.5))
    assert feeding.way is FeedWay.QUANTISED
    assert _fed(spec, feeding)[0, 7, 7, 2] == round((191 / 127.5 - 1) * 128) + 128
    assert "--feed=bytes would feed the pixel as it is" in feeding.notices[0].describe()


def test_bytes_that_agree_need_no_word() -> None:
    """The old guide's 128/128 is the byte itself."""
    assert _feeding(_integer(), metadata=_metadata(128, 128)).notices == ()
    assert _feeding(_integer(scale=None)).notices == ()


def test_metadata_that_contradicts_a_uint8_input() -> None:
    """Mean 0 and std 1: apps ignore it; it would saturate most pixels."""
    feeding = _feeding(_integer(), metadata=_metadata(0, 1))
    assert feeding.way is FeedWay.BYTES
    (notice,) = feeding.notices
    assert notice.facts["steps"] > 100


def test_stated_mean_and_std_are_quantised() -> None:
    """The caller knows better, and asks for values, not for bytes."""
    assert _feeding(_integer(), stats=InputStats(0, 255)).way is FeedWay.QUANTISED


def test_export_that_no_byte_comes_near_is_fed_by_scale() -> None:
    """A ResNet's channel means: the export is the file's own, bytes are another image."""
    resnet = Preprocessing(8, 8, (1.0,) * 3, (123.68, 116.779, 103.939))
    spec = _integer(scale=1.08, zero=115)
    for sources in ({}, {"export_is_named": True}, {"metadata": None}):
        feeding = _feeding(spec, export=resnet, **sources)
        assert feeding.way is FeedWay.QUANTISED
        assert "--feed=bytes" in feeding.notices[0].describe()
    assert _feeding(spec, export=resnet, asked=FeedWay.BYTES).way is FeedWay.BYTES
    assert _feeding(_integer(), export=_UNIT).way is FeedWay.BYTES


def test_no_scale_to_quantise_by() -> None:
    """Asked for all the same, it is refused with what to type."""
    for scale in (None, 0.0, float("nan"), float("inf")):
        with pytest.raises(ConversionError, match="--feed=bytes"):
            _feeding(_integer(scale=scale), asked=FeedWay.QUANTISED)


def test_float_input_that_nothing_is_said_of() -> None:
    """Assumed, and the figures with it."""
    feeding = _feeding(_FLOAT)
    assert feeding.preprocessing == _UNIT
    assert _kinds(feeding) == [FileNoticeKind.NORMALISATION_ASSUMED]
    assert feeding.notices[0].moves_figures


@pytest.mark.parametrize(
    ("mean", "std", "usual"),
    [(127.5, 127.5, True), (0, 255, True), (127, 128, True), (114, 57, True),
     (0, 1, False), (127.5, 1, False), (255, 255, False)],
)  # fmt: skip
def test_range_of_a_float_input_by_metadata(mean: float, std: float, usual: bool) -> None:
    """It is fed as the metadata says; a range of few models is said to be one."""
    feeding = _feeding(_FLOAT, metadata=_metadata(mean, std))
    assert feeding.preprocessing.scale[0] == pytest.approx(1 / std)
    assert _kinds(feeding) == ([] if usual else [FileNoticeKind.RANGE_UNUSUAL])


def test_resnet_means_are_usual() -> None:
    """The one extractor of the zoo whose range is wide."""
    image = TensorMetadata(
        "image",
        content=ContentType.IMAGE,
        normalisation=Normalisation((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
    )
    assert _feeding(_FLOAT, metadata=ModelMetadata(inputs=(image,))).notices == ()


def test_metadata_that_contradicts_itself() -> None:
    """Its normalisation gives one range, its stats state another."""
    said = _metadata(0, 1, minimum=(-1.0,), maximum=(1.0,))
    assert FileNoticeKind.METADATA_CONTRADICTS_ITSELF in _kinds(_feeding(_FLOAT, metadata=said))


def test_float_input_that_is_quantised_first() -> None:
    """The range that a file was calibrated with is inside it; another one is said."""
    inside = {"metadata": _metadata(0, 1), "inner": (-1.0, 0.9922)}
    assert FileNoticeKind.INNER_RANGE_DIFFERS in _kinds(_feeding(_FLOAT, **inside))
    assert _kinds(_feeding(_FLOAT, metadata=_metadata(127.5, 127.5), inner=(-1.0, 0.9922))) == []


def test_flag_for_8_bits_on_a_float_input() -> None:
    """It is ignored, and said to be."""
    feeding = _feeding(_FLOAT, asked=FeedWay.BYTES)
    assert feeding.way is FeedWay.FLOATS
    assert _kinds(feeding)[0] is FileNoticeKind.FEED_FLAG_IGNORED


def test_several_inputs_in_the_metadata() -> None:
    """The only image among them is meant; of two images neither."""
    (image,) = _metadata(127.5, 127.5).inputs
    other = TensorMetadata("anchors")
    one = _feeding(_FLOAT, metadata=ModelMetadata(inputs=(other, image)))
    assert (one.source, _kinds(one)) == (
        "its own metadata",
        [FileNoticeKind.METADATA_OTHER_INPUTS],
    )
    two = _feeding(_FLOAT, metadata=ModelMetadata(inputs=(image, image)))
    assert "assuming" in two.source
    assert FileNoticeKind.METADATA_OTHER_INPUTS in _kinds(two)


def test_normalisation_that_cannot_be() -> None:
    """A float input needs another statement; a uint8 input does without."""
    with pytest.raises(ConversionError, match=r"makes no sense.*--input_stats"):
        _feeding(_FLOAT, metadata=_metadata(0, 0))
    assert _kinds(_feeding(_integer(scale=None), metadata=_metadata(0, 0))) == [
        FileNoticeKind.METADATA_UNUSABLE
    ]


@pytest.mark.parametrize("named", [False, True])
def test_export_and_metadata_disagree(named: bool) -> None:
    """A named export goes before the metadata, one beside the file after it; both are shown."""
    said = _metadata(0, 255)
    feeding = _feeding(_FLOAT, export=_UNIT, export_is_named=named, metadata=said)
    assert (feeding.preprocessing == _UNIT) is named
    notice = feeding.notices[0]
    assert notice.kind is FileNoticeKind.EXPORT_DISAGREES
    assert "[-1, 1], the metadata in [0, 1]" in notice.describe()
    assert _kinds(_feeding(_FLOAT, export=_UNIT, metadata=_metadata(127.5, 127.5))) == []
