"""What a file is fed: one answer, of everything that says something about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from validation.errors import ConversionError
from validation.export.exported import CONTRACT_FILE
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.metadata.feeding import described_input, normalised_by, usable_normalisation
from validation.metadata.model_metadata import ModelMetadata
from validation.preprocess.feed import FeedWay, byte_difference, has_usable_scale, takes_bytes
from validation.specs.contracts import CHANNEL_MEANS, Preprocessing
from validation.specs.input_stats import (
    InputStats,
    Range,
    format_range,
    steps_off,
    wanted_range,
)
from validation.specs.tensors import TensorSpec

# The input of every extractor of the zoo but ResNet and VGG: [-1, 1].
USUAL = InputStats(127.5, 127.5)
# Up to here a scale and a zero point mean the byte: their rounding, and the old guide's 128/127.
_SAME_BYTE_STEPS = 1
# Beyond this, an input does not stand for the usual range at all, and nothing is compared with it.
_STILL_USUAL_STEPS = 5.0
# Normalised pixels of any public habit: [0, 1], [-1, 1], and mean and deviation of ImageNet.
_NORMALISED = 3.0
_OWN_METADATA = "its own metadata"
_AS_IT_IS = {"uint8": "the pixel as it is", "int8": "the pixel less 128"}


@dataclass(frozen=True)
class FeedSources:
    """Everything that says how a file is fed.

    Args:
        stats: What the caller states.
        asked: The way that the caller asks for, None leaves it open.
        metadata: Of the file.
        export: What the contract of its export wants.
        export_is_named: True where the caller names the export; else it lies beside the file.
    """

    stats: InputStats | None = None
    asked: FeedWay | None = None
    metadata: ModelMetadata | None = None
    export: Preprocessing | None = None
    export_is_named: bool = False


@dataclass(frozen=True)
class Feeding:
    """How an image becomes the input.

    Args:
        way: See `FeedWay`.
        preprocessing: Resize, and what pixels stand for; with `FeedWay.BYTES` nothing but the
            resize is done.
        source: Why it is fed so, for people.
        stated_by: Who says what pixels stand for; empty where nobody does.
        notices: What was assumed, and where two sources disagree.
    """

    way: FeedWay
    preprocessing: Preprocessing
    source: str
    stated_by: str = ""
    notices: tuple[FileNotice, ...] = field(default=())


def feeding_of(spec: TensorSpec, height: int, width: int, sources: FeedSources) -> Feeding:
    """Choose among what is said of a file.

    A float input: what the caller states; the export that he names; the file's metadata; an export
    beside the file; and last [-1, 1]. An input of 8 bits gets the pixels as apps feed them,
    whatever metadata says; by scale and zero point only where the caller asks for it, states mean
    and std, or the file's own export wants what no byte comes near.

    Args:
        spec: The input.
        height: Of the input in pixels.
        width: See height.
        sources: What is said.

    Raises:
        ConversionError: Quantised feeds for an input without a scale; metadata of a float input
            whose mean and std cannot be.
    """
    if sources.asked is not None and not takes_bytes(spec):
        sources = FeedSources(
            sources.stats, None, sources.metadata, sources.export, sources.export_is_named
        )
    normalisation, stated_by = _normalisation(spec, height, width, sources)
    way = _way(spec, normalisation, sources)
    assumed, source = normalisation is None, stated_by
    if normalisation is None:
        own = _own_range(spec, height, width) if way is FeedWay.BYTES else None
        normalisation = own or normalised(height, width, USUAL)
        source = f"not stated in the file; assuming {USUAL}"
    notices = [
        *_about_metadata(spec, sources),
        *_about_export(height, width, sources),
        *_about_range(spec, normalisation, source, sources),
    ]
    if way is not FeedWay.BYTES and assumed:
        notices.append(
            FileNotice(
                FileNoticeKind.NORMALISATION_ASSUMED, {"stats": str(USUAL)}, moves_figures=True
            )
        )
    if takes_bytes(spec) and has_usable_scale(spec):
        notices += _about_bytes(
            spec, height, width, way, None if assumed else normalisation, source
        )
    if way is FeedWay.BYTES:
        asked = sources.asked is FeedWay.BYTES
        source = "as asked" if asked else f"as apps feed {spec.dtype} inputs"
    return Feeding(way, normalisation, source, stated_by, tuple(notices))


def normalised(height: int, width: int, stats: InputStats) -> Preprocessing:
    """``real = (pixel - mean) / std`` after the resize of TensorFlow 1, for all channels."""
    return Preprocessing(height, width, _rgb(1 / stats.std), _rgb(stats.mean / stats.std))


def way_by_contract(spec: TensorSpec, preprocessing: Preprocessing) -> FeedWay:
    """How a file is fed whose extractor is known: bytes where they stand for what it wants."""
    if not takes_bytes(spec):
        return FeedWay.QUANTISED if has_usable_scale(spec) else FeedWay.FLOATS
    if not has_usable_scale(spec):
        return FeedWay.BYTES
    near = byte_difference(spec, preprocessing).steps <= _SAME_BYTE_STEPS
    return FeedWay.BYTES if near else FeedWay.QUANTISED


def describe_feeding(feeding: Feeding, spec: TensorSpec) -> str:
    """``pixels become [-1, 1] (its own metadata)``."""
    if feeding.way is FeedWay.BYTES:
        return f"the {spec.dtype} input is fed {_AS_IT_IS[spec.dtype]} ({feeding.source})"
    limits = format_range(wanted_range(feeding.preprocessing))
    if feeding.way is FeedWay.QUANTISED:
        by = f"scale {spec.scale:.7g}, zero point {spec.zero_point}"
        return f"pixels become {limits}, quantised by {by} ({feeding.source})"
    return f"pixels become {limits} ({feeding.source})"


def _normalisation(
    spec: TensorSpec, height: int, width: int, sources: FeedSources
) -> tuple[Preprocessing | None, str]:
    """What pixels stand for, and who says so; None where nothing does."""
    if sources.stats is not None:
        return normalised(height, width, sources.stats), f"{sources.stats} as stated"
    if sources.export is not None and sources.export_is_named:
        return sources.export, f"{CONTRACT_FILE} of its export"
    stated = described_input(sources.metadata)
    if stated is not None and stated.normalisation is not None:
        usable = usable_normalisation(stated.normalisation)
        if usable is not None:
            return normalised_by(usable, height, width), _OWN_METADATA
        if not takes_bytes(spec) and sources.export is None:
            raise ConversionError(
                "the metadata's normalisation makes no sense",
                expected="one number, or one for each channel, std above 0",
                got=f"mean {stated.normalisation.mean}, std {stated.normalisation.std}",
                next_step="state it with --input_stats=MEAN/STD",
            )
    if sources.export is not None:
        return sources.export, f"{CONTRACT_FILE} beside it"
    return None, ""


def _way(spec: TensorSpec, known: Preprocessing | None, sources: FeedSources) -> FeedWay:
    if not takes_bytes(spec):
        return FeedWay.QUANTISED if has_usable_scale(spec) else FeedWay.FLOATS
    quantised = sources.stats is not None or (
        known is not None
        and sources.export is not None
        and _alike(known, sources.export)
        and way_by_contract(spec, known) is FeedWay.QUANTISED
    )
    way = sources.asked or (FeedWay.QUANTISED if quantised else FeedWay.BYTES)
    if way is FeedWay.QUANTISED and not has_usable_scale(spec):
        raise ConversionError(
            f"the {spec.dtype} input has no scale that pixels could be quantised by",
            got=f"scale {spec.scale}",
            where=spec.name,
            next_step="feed the pixels as they are: --feed=bytes, without --input_stats",
        )
    return way


def _own_range(spec: TensorSpec, height: int, width: int) -> Preprocessing | None:
    """What the bytes stand for by the input's own scale and zero point."""
    if not has_usable_scale(spec) or spec.scale is None or spec.zero_point is None:
        return None
    low = _lowest(spec)
    return Preprocessing(
        height, width, _rgb(spec.scale), _rgb(spec.scale * (spec.zero_point - low))
    )


def _about_bytes(
    spec: TensorSpec,
    height: int,
    width: int,
    way: FeedWay,
    stated: Preprocessing | None,
    source: str,
) -> Iterator[FileNotice]:
    """Where the byte is not the integer that stands for the normalised pixel."""
    wanted = stated or normalised(height, width, USUAL)
    if stated is None:
        own = _own_range(spec, height, width)
        if own is None or steps_off(wanted_range(own), wanted_range(wanted)) > _STILL_USUAL_STEPS:
            return
        source = f"{USUAL}, what most extractors want"
    difference = byte_difference(spec, wanted)
    if not difference.steps:
        return
    by_scale = (
        f"{format_range(wanted_range(wanted))} ({source}) by scale {spec.scale:.7g}, "
        f"zero point {spec.zero_point}"
    )
    bytes_fed = way is FeedWay.BYTES
    pixel = _AS_IT_IS[spec.dtype]
    fed, other = (pixel, by_scale) if bytes_fed else (by_scale, f"{pixel}, as apps do")
    yield FileNotice(
        FileNoticeKind.FEED_DIFFERS,
        {
            "dtype": spec.dtype,
            "fed": fed,
            "other": other,
            "steps": difference.steps,
            "pixels": difference.pixels,
            "flag": FeedWay.QUANTISED.value if bytes_fed else FeedWay.BYTES.value,
        },
        moves_figures=True,
    )


def _about_metadata(spec: TensorSpec, sources: FeedSources) -> Iterator[FileNotice]:
    metadata = sources.metadata
    if metadata is None:
        return
    if len(metadata.inputs) > 1:
        used = described_input(metadata) is not None
        yield FileNotice(
            FileNoticeKind.METADATA_OTHER_INPUTS,
            {
                "described": len(metadata.inputs),
                "inputs": 1,
                "used": "what it says of the only image is used"
                if used
                else "what it says of them is not used",
            },
            moves_figures=not takes_bytes(spec),
        )
    stated = described_input(metadata)
    normalisation = None if stated is None else stated.normalisation
    if normalisation is not None and usable_normalisation(normalisation) is None:
        yield FileNotice(
            FileNoticeKind.METADATA_UNUSABLE,
            {"mean": list(normalisation.mean), "std": list(normalisation.std)},
        )


def _about_export(height: int, width: int, sources: FeedSources) -> Iterator[FileNotice]:
    """Where the metadata and an export of the same file do not say the same."""
    stated = described_input(sources.metadata)
    if sources.export is None or stated is None or stated.normalisation is None:
        return
    usable = usable_normalisation(stated.normalisation)
    if usable is None or sources.stats is not None:
        return
    by_metadata = normalised_by(usable, height, width)
    if _alike(by_metadata, sources.export):
        return
    wanted, own = (format_range(wanted_range(each)) for each in (sources.export, by_metadata))
    named = sources.export_is_named
    yield FileNotice(
        FileNoticeKind.EXPORT_DISAGREES,
        {
            "contract": CONTRACT_FILE,
            "where": "of its export" if named else "beside it",
            "export": wanted,
            "metadata": own,
            "used": "the export's" if named else "the metadata's",
        },
        moves_figures=True,
    )


def _about_range(
    spec: TensorSpec, used: Preprocessing, source: str, sources: FeedSources
) -> Iterator[FileNotice]:
    """Where the metadata of a float input cannot be right, or is right for few models."""
    if takes_bytes(spec) or source != _OWN_METADATA:
        return
    limits = wanted_range(used)
    stated = described_input(sources.metadata)
    if stated is not None and stated.minimum and stated.maximum:
        own = (min(stated.minimum), max(stated.maximum))
        if own[0] < own[1] and steps_off(limits, own) > _STILL_USUAL_STEPS:
            yield FileNotice(
                FileNoticeKind.METADATA_CONTRADICTS_ITSELF,
                {"range": format_range(limits), "stated": format_range(own)},
                moves_figures=True,
            )
    if not _is_usual(used, limits):
        yield FileNotice(
            FileNoticeKind.RANGE_UNUSUAL,
            {"source": source, "range": format_range(limits)},
            moves_figures=True,
        )


def _is_usual(used: Preprocessing, limits: Range) -> bool:
    """Of any public habit: within a few deviations about zero, or the ResNets' means."""
    scales, means = CHANNEL_MEANS
    of_resnet = all(
        abs(one - other) < 1e-2 * max(1.0, abs(other))
        for one, other in zip((*used.scale, *used.offset), (*scales, *means), strict=True)
    )
    spread = limits[1] - limits[0]
    near_zero = -_NORMALISED <= limits[0] <= 0 < limits[1] <= _NORMALISED and spread >= 0.9
    return of_resnet or near_zero


def _alike(one: Preprocessing, other: Preprocessing) -> bool:
    """True where two normalisations differ by rounding alone."""
    return all(
        abs((pixel * a - b) - (pixel * c - d)) * 255 <= 0.1 * max(abs(255 * a), abs(255 * c))
        for a, b, c, d in zip(one.scale, one.offset, other.scale, other.offset, strict=True)
        for pixel in (0, 255)
    )


def _lowest(spec: TensorSpec) -> int:
    return -128 if spec.dtype == "int8" else 0


def _rgb(value: float) -> tuple[float, float, float]:
    return value, value, value
