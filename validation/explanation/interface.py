"""Where two files differ for the app around them: inputs, feed, outputs, labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from validation.errors import first_few
from validation.explanation.facts import Aspect, Fact
from validation.explanation.sides import Side
from validation.inference.feed_sources import own_range
from validation.inference.output_roles import RAW_ROLES
from validation.inference.outputs import Ending
from validation.preprocess.feed import FeedWay, has_usable_scale, takes_bytes
from validation.preprocess.quantise import dequantise, quantise
from validation.record.formatting import plural
from validation.specs.contracts import DETECTION_ROLES, Preprocessing
from validation.specs.tensors import TensorSpec

_PIXELS = np.arange(256, dtype=np.float64)[:, np.newaxis]
# Whoever copies pixels into 8 bits is off by up to one step from a float input: see `feeding`.
_SAME_BYTE_STEPS = 1

_Reals = NDArray[np.float64]


def interface_facts(first: Side, second: Side) -> tuple[Fact, ...]:
    """Inputs, what they are fed, outputs by role, and class names: what is not the same."""
    return (
        *_inputs(first, second),
        *_feed(first, second),
        *_outputs(first, second),
        *_labels(first, second),
    )


def _inputs(first: Side, second: Side) -> Iterator[Fact]:
    if first.tflite is None or second.tflite is None:
        kinds = [_numbers(side) for side in (first, second)]
        if kinds[0] != kinds[1]:
            yield Fact.of("numbers", kinds, aspect=Aspect.QUANTISATION)
        return
    one, other = first.tflite.file.inputs[0], second.tflite.file.inputs[0]
    if one.name != other.name:
        yield Fact("name of the input", one.name, other.name, aspect=Aspect.INTERFACE)
    if one.shape[1:] != other.shape[1:]:
        yield Fact(
            "size of the input",
            str(list(one.shape)),
            str(list(other.shape)),
            "the network sees the image at another size",
            Aspect.FEED,
        )
    stored = [_stored(each) for each in (one, other)]
    if stored[0] != stored[1]:
        yield Fact.of("numbers of the input", stored, aspect=Aspect.QUANTISATION)


def _numbers(side: Side) -> str:
    """How weights are kept, as far as the types of the tensors tell."""
    kept = {"float32"} if side.tflite is None else side.tflite.file.tensors.keys()
    return next((each for each in ("int8", "uint8", "float16") if each in kept), "float32")


def _stored(spec: TensorSpec) -> str:
    if spec.scale is None:
        return spec.dtype
    return f"{spec.dtype}, scale {spec.scale:.7g}, zero point {spec.zero_point}"


def _feed(first: Side, second: Side) -> Iterator[Fact]:
    one, other = first.preprocessing, second.preprocessing
    if one is None or other is None:
        return
    sizes = [_resize(each) for each in (one, other)]
    if sizes[0] != sizes[1]:
        yield Fact.of("resize", sizes, "the network sees other pixels", Aspect.FEED)
    fed = [_fed(side) for side in (first, second)]
    yield from _values("what pixels become", (first, second), fed, Aspect.FEED)
    # What is stated of bytes plays no part in feeding them.
    if any(is_overruled(side) for side in (first, second)):
        stated = [_stated(side) for side in (first, second)]
        yield from _values("what pixels stand for", (first, second), stated, None)


def is_overruled(side: Side) -> bool:
    """Something is stated of what bytes stand for, and the pixels are fed as they are."""
    feeding = None if side.tflite is None else side.tflite.feeding
    return feeding is not None and feeding.way is FeedWay.BYTES and bool(feeding.stated_by)


def _values(
    what: str, sides: tuple[Side, Side], reals: list[_Reals | None], aspect: Aspect | None
) -> Iterator[Fact]:
    one, other = reals
    if one is None or other is None:
        words = [side.feed for side in sides]
        if (one is None) != (other is None) and aspect is not None:
            yield Fact.of(what, words, "an input without a scale says nothing of what it means")
        return
    distance = np.abs(one - other)
    step = max(_step(side) for side in sides)
    # Equal but for the rounding of float32.
    if distance.max() <= step * 2 * np.finfo(np.float32).eps * len(_PIXELS):
        return
    most, mean = float(distance.max() / step), float(distance.mean() / step)
    meaning = f"{_steps(mean)} apart on average, {_steps(most)} at most"
    if aspect is None:
        meaning += "; apps copy the pixels all the same, and --feed=quantised feeds these values"
    words = [
        _range(values) + _source(side, aspect)
        for side, values in zip(sides, (one, other), strict=True)
    ]
    yield Fact.of(what, words, meaning, aspect if _counts(sides, most) else None)


def _counts(sides: tuple[Side, Side], steps: float) -> bool:
    """False for what follows from how the inputs store their numbers."""
    if all(side.tflite is not None and side.tflite.feeding.way is FeedWay.BYTES for side in sides):
        return False
    in_bytes = [side.tflite is not None and takes_bytes(_input(side)) for side in sides]
    return all(in_bytes) or not any(in_bytes) or steps > _SAME_BYTE_STEPS


def _steps(count: float) -> str:
    text = f"{count:.2g}" if count < len(_PIXELS) / 4 else f"{count:.0f}"
    return f"{text} step" if text == "1" else f"{text} steps"


def _source(side: Side, aspect: Aspect | None) -> str:
    if side.tflite is None:
        return " (normalised inside of the graph)"
    if aspect is not None:
        return f" ({side.tflite.feeding.source})"
    feeding = side.tflite.feeding
    own = "its scale and zero point" if feeding.way is FeedWay.BYTES else feeding.source
    return f" ({feeding.stated_by or own})"


def _fed(side: Side) -> _Reals | None:
    """What pixels 0 to 255 become on their way into the network, [256, 3] in real units."""
    wanted = side.preprocessing
    if wanted is None:
        return None
    if side.tflite is None or side.tflite.feeding.way is FeedWay.FLOATS:
        return _real(wanted)
    spec = _input(side)
    if side.tflite.feeding.way is FeedWay.QUANTISED:
        return dequantise(quantise(_real(wanted), spec), spec).astype(np.float64)
    own = own_range(spec, wanted.height, wanted.width)
    return None if own is None else _real(own)


def _stated(side: Side) -> _Reals | None:
    """What pixels stand for by whoever says it, whatever is fed."""
    return None if side.preprocessing is None else _real(side.preprocessing)


def _real(wanted: Preprocessing) -> _Reals:
    values: _Reals = _PIXELS * np.array(wanted.scale) - np.array(wanted.offset)
    return values


def _range(values: _Reals) -> str:
    if (values.max(axis=1) == values.min(axis=1)).all():
        return f"[{values[0, 0]:.4g}, {values[-1, 0]:.4g}]"
    ends = (f"{low:.4g} to {high:.4g}" for low, high in zip(values[0], values[-1], strict=True))
    return f"[{', '.join(ends)}]"


def _step(side: Side) -> float:
    spec = None if side.tflite is None else _input(side)
    if spec is not None and has_usable_scale(spec):
        return float(spec.scale or 0)
    return 0.0 if side.preprocessing is None else max(side.preprocessing.scale)


def _input(side: Side) -> TensorSpec:
    assert side.tflite is not None
    return side.tflite.file.inputs[0]


def _resize(size: Preprocessing) -> str:
    flags = [name for name in ("align_corners", "half_pixel_centers") if getattr(size, name)]
    return " ".join([f"{size.height}x{size.width}", *flags])


def _outputs(first: Side, second: Side) -> Iterator[Fact]:
    if first.tflite is None or second.tflite is None:
        return
    endings = [side.tflite.binding.ending for side in (first, second) if side.tflite]
    if endings[0] is not endings[1]:
        yield Fact.of("ends in", map(_ending, endings), "", Aspect.POSTPROCESSING)
        return
    orders = [_order(side) for side in (first, second)]
    if orders[0] != orders[1]:
        meaning = "an app that takes outputs by their place reads the wrong ones"
        yield Fact.of("order of the outputs", orders, meaning, Aspect.INTERFACE)
    names = [", ".join(side.tflite.binding.names) for side in (first, second) if side.tflite]
    if names[0] != names[1]:
        meaning = "in the order " + ", ".join(_roles(endings[0]))
        yield Fact.of("names of the outputs", names, meaning, Aspect.INTERFACE)
    kinds = [_dtypes(side) for side in (first, second)]
    if kinds[0] != kinds[1]:
        yield Fact.of("numbers of the outputs", kinds, aspect=Aspect.QUANTISATION)


def _ending(ending: Ending) -> str:
    return {
        Ending.OP: "the post-processing op",
        Ending.RAW: "raw outputs",
        Ending.DETECTIONS: "detections that another op makes",
    }[ending]


def _roles(ending: Ending) -> tuple[str, ...]:
    return RAW_ROLES if ending is Ending.RAW else DETECTION_ROLES


def _order(side: Side) -> str:
    assert side.tflite is not None
    binding = side.tflite.binding
    role = dict(zip(binding.names, _roles(binding.ending), strict=False))
    return ", ".join(role.get(each.name, "another") for each in side.tflite.file.outputs)


def _dtypes(side: Side) -> str:
    assert side.tflite is not None
    specs = {spec.name: spec for spec in side.tflite.file.outputs}
    return ", ".join(_stored(specs[name]) for name in side.tflite.binding.names)


def _labels(first: Side, second: Side) -> Iterator[Fact]:
    said = [_described(side) for side in (first, second)]
    # A graph has no metadata to be without.
    if said[0] != said[1] and first.tflite is not None and second.tflite is not None:
        yield Fact.of("metadata", said, "apps' libraries refuse a file without", Aspect.METADATA)
    names = first.labels.names, second.labels.names
    other = [key for key in names[0] if key in names[1] and names[0][key] != names[1][key]]
    if other:
        words = [first_few(f"{key}: {side[key]}" for key in other) for side in names]
        meaning = f"{plural(len(other), 'class id')} of another name"
        yield Fact.of("class names", words, meaning, Aspect.METADATA)


def _described(side: Side) -> str:
    if not side.has_metadata:
        return "none"
    return f"names {len(side.labels.names)} classes" if side.labels.names else "without class names"
