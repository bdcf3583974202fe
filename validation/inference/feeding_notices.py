"""Where what is said of a file's input does not agree, or is right for few models."""

from __future__ import annotations

from collections.abc import Iterator

from validation.export.exported import CONTRACT_FILE
from validation.inference.feed_sources import (
    AS_IT_IS,
    OWN_METADATA,
    USUAL,
    FeedSources,
    alike,
    normalised,
    own_range,
)
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.metadata.feeding import described_input, normalised_by, usable_normalisation
from validation.preprocess.feed import FeedWay, byte_difference, takes_bytes
from validation.specs.contracts import CHANNEL_MEANS, Preprocessing
from validation.specs.input_stats import Range, format_range, steps_off, wanted_range
from validation.specs.tensors import TensorSpec

# Beyond this, an input does not stand for the usual range at all, and nothing is compared with it.
_STILL_USUAL_STEPS = 5.0
# Normalised pixels of any public habit: [0, 1], [-1, 1], and mean and deviation of ImageNet.
_NORMALISED = 3.0


def about_bytes(
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
        own = own_range(spec, height, width)
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
    pixel = AS_IT_IS[spec.dtype]
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


def about_metadata(spec: TensorSpec, sources: FeedSources) -> Iterator[FileNotice]:
    """Where the metadata describes other inputs, or nothing usable of the image."""
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


def about_export(height: int, width: int, sources: FeedSources) -> Iterator[FileNotice]:
    """Where the metadata and an export of the same file do not say the same."""
    stated = described_input(sources.metadata)
    # What a reference wants is compared with the file by a check of its own.
    if sources.reference_states:
        return
    if sources.export is None or stated is None or stated.normalisation is None:
        return
    usable = usable_normalisation(stated.normalisation)
    if usable is None or sources.stats is not None:
        return
    by_metadata = normalised_by(usable, height, width)
    if alike(by_metadata, sources.export):
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


def about_range(
    spec: TensorSpec, used: Preprocessing, source: str, sources: FeedSources
) -> Iterator[FileNotice]:
    """Where the range of a float input cannot be right, or is right for few models."""
    if takes_bytes(spec):
        return
    limits = wanted_range(used)
    if sources.inner is not None and steps_off(limits, sources.inner) > _STILL_USUAL_STEPS:
        yield FileNotice(
            FileNoticeKind.INNER_RANGE_DIFFERS,
            {"range": format_range(limits), "inner": format_range(sources.inner)},
            moves_figures=True,
        )
    if source != OWN_METADATA:
        return
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
