"""What a file is fed: one answer, of everything that says something about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from validation.errors import ConversionError
from validation.export.exported import CONTRACT_FILE
from validation.inference.feed_sources import (
    AS_IT_IS,
    OF_REFERENCE,
    OWN_METADATA,
    USUAL,
    FeedSources,
    alike,
    normalised,
    own_range,
)
from validation.inference.feeding_notices import (
    about_bytes,
    about_export,
    about_metadata,
    about_range,
)
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.metadata.feeding import described_input, normalised_by, usable_normalisation
from validation.preprocess.feed import FeedWay, byte_difference, has_usable_scale, takes_bytes
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import (
    format_range,
    wanted_range,
)
from validation.specs.tensors import TensorSpec

# Up to here a scale and a zero point mean the byte: their rounding, and the old guide's 128/127.
_SAME_BYTE_STEPS = 1


@dataclass(frozen=True)
class Feeding:
    """How an image becomes the input.

    Args:
        way: See `FeedWay`.
        preprocessing: Resize, and what pixels become; with `FeedWay.BYTES` nothing but the
            resize is done.
        source: Why it is fed so, for people.
        stated_by: Who says what pixels become; empty where nothing does.
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
        ignored = FileNotice(
            FileNoticeKind.FEED_FLAG_IGNORED, {"flag": sources.asked.value, "dtype": spec.dtype}
        )
        plain = feeding_of(spec, height, width, dataclasses.replace(sources, asked=None))
        return dataclasses.replace(plain, notices=(ignored, *plain.notices))
    normalisation, stated_by = _normalisation(spec, height, width, sources)
    way = _way(spec, normalisation, sources)
    assumed, source = normalisation is None, stated_by
    if normalisation is None:
        own = own_range(spec, height, width) if way is FeedWay.BYTES else None
        normalisation = own or normalised(height, width, USUAL)
        source = f"not stated in the file; assuming {USUAL}"
    notices = [
        *about_metadata(spec, sources),
        *about_export(height, width, sources),
        *about_range(spec, normalisation, source, sources),
    ]
    if way is not FeedWay.BYTES and assumed:
        notices.append(
            FileNotice(
                FileNoticeKind.NORMALISATION_ASSUMED, {"stats": str(USUAL)}, moves_figures=True
            )
        )
    if takes_bytes(spec) and has_usable_scale(spec):
        notices += about_bytes(spec, height, width, way, None if assumed else normalisation, source)
    if way is FeedWay.BYTES:
        asked = sources.asked is FeedWay.BYTES
        source = "as asked" if asked else f"as apps feed {spec.dtype} inputs"
    return Feeding(way, normalisation, source, stated_by, tuple(notices))


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
        return f"the {spec.dtype} input is fed {AS_IT_IS[spec.dtype]} ({feeding.source})"
    limits = format_range(wanted_range(feeding.preprocessing))
    if feeding.way is FeedWay.QUANTISED:
        by = f"scale {spec.scale:.7g}, zero point {spec.zero_point}"
        return f"pixels become {limits}, quantised by {by} ({feeding.source})"
    return f"pixels become {limits} ({feeding.source})"


def _normalisation(
    spec: TensorSpec, height: int, width: int, sources: FeedSources
) -> tuple[Preprocessing | None, str]:
    """What pixels become, and who says so; None where nothing does."""
    if sources.stats is not None:
        return normalised(height, width, sources.stats), f"{sources.stats} as stated"
    if sources.export is not None and sources.export_is_named:
        return sources.export, f"{CONTRACT_FILE} of its export"
    stated = described_input(sources.metadata)
    if stated is not None and stated.normalisation is not None:
        usable = usable_normalisation(stated.normalisation)
        if usable is not None:
            return normalised_by(usable, height, width), OWN_METADATA
        if not takes_bytes(spec) and sources.export is None:
            raise ConversionError(
                "the metadata's normalisation makes no sense",
                expected="one number, or one for each channel, std above 0",
                got=f"mean {stated.normalisation.mean}, std {stated.normalisation.std}",
                next_step="state it with --input_stats=MEAN/STD",
            )
    if sources.export is not None:
        by = OF_REFERENCE if sources.reference_states else f"{CONTRACT_FILE} beside it"
        return sources.export, by
    return None, ""


def _way(spec: TensorSpec, known: Preprocessing | None, sources: FeedSources) -> FeedWay:
    if not takes_bytes(spec):
        return FeedWay.QUANTISED if has_usable_scale(spec) else FeedWay.FLOATS
    quantised = sources.stats is not None or (
        known is not None
        and sources.export is not None
        and alike(known, sources.export)
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
