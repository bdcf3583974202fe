"""What every runtime promises, asked of each of them."""

import numpy as np
import pytest

from validation.errors import FeedError
from validation.runtimes.base import check_feed
from validation.runtimes.session import SessionRuntime
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME
from validation.specs.tensors import TensorSpec

RAW = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
SHAPE = (1, 48, 64, 3)


@pytest.fixture(params=["session", "tflite", "tflite, two threads"])
def runtime(request, files):
    """The same body in every runtime."""
    if request.param == "session":
        made = SessionRuntime(files.graph, RAW)
    else:
        made = TfliteRuntime(files.raw, threads=1 + request.param.endswith("two threads"))
    with made as entered:
        yield entered


def _feed(seed=1):
    return {INPUT_NAME: np.random.default_rng(seed).uniform(-1, 1, SHAPE).astype(np.float32)}


def test_entering_gives_the_runtime_itself(files):
    """As a context manager it is what was made."""
    for made in (SessionRuntime(files.graph, RAW), TfliteRuntime(files.raw)):
        with made as entered:
            assert entered is made


def test_input_is_specified(runtime):
    """Name, dtype and shape; no scale, for it is a float."""
    assert runtime.inputs == (TensorSpec(INPUT_NAME, "float32", SHAPE),)


def test_outputs_are_specified(runtime):
    """Both raw outputs, whatever their order."""
    assert set(runtime.outputs) == {
        TensorSpec(BOX_ENCODINGS_NAME, "float32", (1, 132, 4)),
        TensorSpec(CLASS_PREDICTIONS_NAME, "float32", (1, 132, 3)),
    }


def test_outputs_come_by_name_as_specified(runtime):
    """Every specified output, in order, of its dtype and shape."""
    out = runtime.run(_feed())
    assert list(out) == [spec.name for spec in runtime.outputs]
    for spec in runtime.outputs:
        assert (out[spec.name].dtype.name, out[spec.name].shape) == (spec.dtype, spec.shape)
        assert np.isfinite(out[spec.name]).all()
    assert out[BOX_ENCODINGS_NAME].std() > 0.01


def test_runtimes_compute_the_same(files):
    """One body, three ways to run it."""
    with SessionRuntime(files.graph, RAW) as session, TfliteRuntime(files.raw) as tflite:
        expected, got = session.run(_feed()), tflite.run(_feed())
    for name in RAW:
        np.testing.assert_allclose(got[name], expected[name], rtol=0, atol=1e-5)


def test_arrays_are_fresh(runtime):
    """A later run does not change an earlier result, nor does a caller the next one."""
    first = runtime.run(_feed(1))
    kept = {name: array.copy() for name, array in first.items()}
    other = runtime.run(_feed(2))
    for name in RAW:
        np.testing.assert_array_equal(first[name], kept[name])
        assert not np.array_equal(other[name], kept[name])
        first[name][...] = 7
    again = runtime.run(_feed(1))
    for name in RAW:
        np.testing.assert_array_equal(again[name], kept[name])


def test_feed_is_not_changed(runtime):
    """The caller's array stays as it is."""
    feed = _feed()
    runtime.run(feed)
    np.testing.assert_array_equal(feed[INPUT_NAME], _feed()[INPUT_NAME])


def test_views_are_fed_as_they_look(runtime):
    """A mirrored image is a view with negative strides."""
    mirrored = _feed()[INPUT_NAME][:, :, ::-1]
    expected = runtime.run({INPUT_NAME: np.ascontiguousarray(mirrored)})
    got = runtime.run({INPUT_NAME: mirrored})
    for name in RAW:
        np.testing.assert_array_equal(got[name], expected[name])


@pytest.mark.parametrize(
    ("feed", "told"),
    [
        ({}, f"expected {INPUT_NAME}, got nothing"),
        ({"image": _feed()[INPUT_NAME]}, f"expected {INPUT_NAME}, got image"),
        ({**_feed(), "more": np.zeros(1)}, f"expected {INPUT_NAME}, got more, {INPUT_NAME}"),
    ],
    ids=["nothing", "another name", "one too many"],
)
def test_feed_of_other_names_is_refused(runtime, feed, told):
    """Both lists of names are told."""
    with pytest.raises(FeedError, match=rf"does not name the model's inputs: {told}"):
        runtime.run(feed)


@pytest.mark.parametrize("dtype", ["float64", "uint8", "int32"])
def test_feed_of_another_dtype_is_refused(runtime, dtype):
    """uint8 pixels into a float model: they want normalising, and the message says so."""
    feed = {INPUT_NAME: np.zeros(SHAPE, dtype)}
    told = rf"expected float32 \(36864 bytes\), got {dtype} \({feed[INPUT_NAME].nbytes} bytes\)"
    with pytest.raises(FeedError, match=rf"\({INPUT_NAME}\): {told}; normalise"):
        runtime.run(feed)


@pytest.mark.parametrize("shape", [(48, 64, 3), (1, 64, 48, 3), (2, 48, 64, 3), (1, 48, 64, 1)])
def test_feed_of_another_shape_is_refused(runtime, shape):
    """No batch axis, swapped sides, two images, one channel."""
    feed = {INPUT_NAME: np.zeros(shape, np.float32)}
    with pytest.raises(FeedError, match=r"expected \[1, 48, 64, 3\], got ") as error:
        runtime.run(feed)
    assert error.value.got == list(shape)


def test_runtime_works_after_a_refused_feed(runtime):
    """A refusal leaves nothing behind."""
    expected = runtime.run(_feed())
    with pytest.raises(FeedError, match="got nothing"):
        runtime.run({})
    np.testing.assert_array_equal(runtime.run(_feed())[RAW[0]], expected[RAW[0]])


def test_open_sides_take_any_size():
    """-1 in a spec fits whatever comes, the other sides still count."""
    specs = [TensorSpec("image", "uint8", (-1, -1, -1, 3))]
    check_feed({"image": np.zeros((2, 5, 7, 3), np.uint8)}, specs)
    with pytest.raises(FeedError, match=r"expected \[-1, -1, -1, 3\], got \[2, 5, 7, 4\]"):
        check_feed({"image": np.zeros((2, 5, 7, 4), np.uint8)}, specs)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_quantised_input_is_told_how_to_be_fed(dtype):
    """Fault P05: both dtypes, both buffer sizes, and the scale and zero point to feed by."""
    specs = [TensorSpec("image", "uint8", (1, 2, 3), 0.5, 128)]
    feed = np.zeros((1, 2, 3), dtype)
    told = rf"expected uint8 \(6 bytes\), got {dtype} \({feed.nbytes} bytes\)"
    with pytest.raises(FeedError, match=rf"{told}; quantise it by .*scale 0.5 and zero point 128"):
        check_feed({"image": feed}, specs)


def test_type_that_numpy_has_not_is_told_without_its_size():
    """TensorFlow's strings, for one."""
    specs = [TensorSpec("image", "string", (1,))]
    with pytest.raises(FeedError, match=r"expected string, got float32 \(4 bytes\); normalise"):
        check_feed({"image": np.zeros(1, np.float32)}, specs)


def test_float_into_a_quantised_file_is_refused(quantised):
    """By the runtime itself, before LiteRT sees it."""
    with (
        TfliteRuntime(quantised) as made,
        pytest.raises(FeedError, match=r"expected uint8 \(12 bytes\), got float32 \(48 bytes\)"),
    ):
        made.run({"image": np.zeros((1, 2, 2, 3), np.float32)})
