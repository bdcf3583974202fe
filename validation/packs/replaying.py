"""A failing case run again with the installed LiteRT, and held against what the run recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from validation.comparison.disagreements import Disagreement, disagreements
from validation.errors import ConversionError, FeedError, RecordError
from validation.files.arrays import parse_npy
from validation.files.guard import guarded
from validation.files.limits import file_limits
from validation.files.native_log import held_back
from validation.inference.outputs import Ending, bind_outputs
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.metadata.unpacking import metadata_of
from validation.packs.manifest import MANIFEST_NAME, PackedRole, PackManifest
from validation.packs.reading import Pack
from validation.packs.writing import NAMES
from validation.preprocess.image import ImageFile, load
from validation.preprocess.prepare import prepare
from validation.record.detection_files import parse_detections
from validation.record.detections import Detections
from validation.record.feeds import FileFeed
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import SsdContract
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import describe
from validation.tflite.model import read_model

# What decides the bits of a file's outputs.
_DECISIVE = ("ai-edge-litert", "numpy", "pillow")


@dataclass(frozen=True)
class OtherVersion:
    """A package of which the run had another version.

    Args:
        package: Its name.
        run: Version of the run; empty without one.
        here: Version that is installed; empty without one.
    """

    package: str
    run: str
    here: str


@dataclass(frozen=True)
class Replayed:
    """What came of it.

    Args:
        manifest: Of the pack.
        other_versions: Packages that decide the bits of outputs, where they differ.
        stopped: Why LiteRT did not run the file here; empty where it did.
        bit_equal: The detections are the run's to the last bit; None where there are none of the
            run, or none here.
        from_run: The run's detections of the file against those found here; None likewise.
        largest_difference: Of a coordinate or a score, where both have the same classes in the
            same order; None otherwise.
        then: The reference's detections against the file's in the run; None without both.
        now: Those against the file's here; None without both.
        holds: The case is as the run recorded it.
    """

    manifest: PackManifest
    other_versions: tuple[OtherVersion, ...]
    stopped: str
    bit_equal: bool | None
    from_run: Disagreement | None
    largest_difference: float | None
    then: Disagreement | None
    now: Disagreement | None
    holds: bool


def replay(pack: Pack, folder: Path, versions: Mapping[str, str]) -> Replayed:
    """Run the file of a pack on its image.

    It holds where the detections are those of the run: to the last bit, or else in every box that
    the rule of the run compares, with the same losses and gains against the reference. Of a file
    that the run could not run it holds where it cannot be run here either.

    Args:
        pack: The case.
        folder: An empty one, for its files.
        versions: Of the packages that are installed.

    Raises:
        RecordError: Detections or anchors that cannot be read.
        DatasetError: The image cannot be read.
    """
    manifest = pack.manifest
    image = "" if manifest.image is None else manifest.image.key
    expected = _detections(pack, PackedRole.EXPECTED, image)
    recorded = _detections(pack, PackedRole.FOUND, image)
    stopped, found = _run(pack, folder)
    then, now = _against(manifest, expected, recorded), _against(manifest, expected, found)
    from_run = _against(manifest, recorded, found)
    bit_equal = None if recorded is None or found is None else _same_bits(recorded, found)
    if recorded is None:
        holds = bool(stopped)
    elif from_run is None:
        holds = False
    else:
        holds = bool(bit_equal) or (from_run.agrees and _counts(then) == _counts(now))
    return Replayed(
        manifest,
        tuple(
            OtherVersion(package, manifest.versions.get(package, ""), versions.get(package, ""))
            for package in _DECISIVE
            if manifest.versions.get(package, "") != versions.get(package, "")
        ),
        stopped,
        bit_equal,
        from_run,
        _largest_difference(recorded, found),
        then,
        now,
        holds,
    )


def _detections(pack: Pack, role: PackedRole, image: str) -> Detections | None:
    data = pack.members.get(role)
    if data is None:
        return None
    found = parse_detections(data, PurePath(NAMES[role]))
    most = file_limits().tflite_detections
    if list(found) != [image]:
        raise RecordError(
            "detections of other images than the pack's",
            expected=image or "no image",
            got=", ".join(found) or "none",
            where=NAMES[role],
        )
    if len(found[image]) > most:
        raise RecordError(
            "more detections than a file may have",
            expected=f"at most {most:,g} (setting tflite_detections of the policy)",
            got=f"{len(found[image]):,}",
            where=NAMES[role],
        )
    return found[image]


def _run(pack: Pack, folder: Path) -> tuple[str, Detections | None]:
    """Why it does not run, or what it finds; neither where it loads and there is no image."""
    for role in (PackedRole.MODEL, PackedRole.IMAGE):
        if role in pack.members:
            (folder / NAMES[role]).write_bytes(pack.members[role])
    manifest, model = pack.manifest, folder / NAMES[PackedRole.MODEL]
    about, feed = manifest.image, manifest.feed
    try:
        with held_back():
            if about is None or feed is None or PackedRole.IMAGE not in pack.members:
                TfliteRuntime(model)
                return "", None
            detector = _detector(model, feed, pack)
    except ConversionError as error:
        return str(error), None
    image = ImageFile(about.key, folder / NAMES[PackedRole.IMAGE], about.turned)
    prepared = prepare(load(image, feed.shared_size), detector.prepared)
    try:
        with (
            guarded(RecordError, "the file cannot be run as the pack says", where=MANIFEST_NAME),
            held_back(),
        ):
            return "", detector.detect_feed(prepared)
    except (ConversionError, FeedError) as error:
        return str(error), None


def _require_possible(feed: FileFeed, spec: TensorSpec) -> None:
    """Refuse what would take all memory, or is of another file, before anything is made of it.

    Raises:
        RecordError: Another size than the input's, or more than images and detections may have.
    """
    own = feed.preprocessing.height, feed.preprocessing.width
    stated = tuple(spec.shape[1:3])
    limits = file_limits()
    slots = 0 if feed.postprocess is None else feed.postprocess.max_detections
    pixels = [math.prod(size) for size in (own, feed.shared_size or own)]
    is_possible = (
        stated == own
        and all(0 < each <= limits.read_image_megapixels * 1e6 for each in pixels)
        and min(*own, *(feed.shared_size or own)) > 0
        and 0 <= slots <= limits.tflite_detections
    )
    if not is_possible:
        raise RecordError(
            "a feed that cannot be the file's",
            expected=f"an image of {' x '.join(map(str, stated))}",
            got=f"{own[0]} x {own[1]}, resized to {feed.shared_size} before; {slots} detections",
            where=MANIFEST_NAME,
        )


def _detector(path: Path, feed: FileFeed, pack: Pack) -> TfliteDetector | RawTfliteDetector:
    model = read_model(path)
    anchors = _anchors(pack)
    contract = None
    if anchors is not None and feed.postprocess is not None and feed.num_classes is not None:
        contract = SsdContract(
            feed.preprocessing, len(anchors), feed.num_classes, "", feed.postprocess
        )
    binding = bind_outputs(model, describe(model), metadata_of(model), contract)
    runtime = TfliteRuntime(path)
    for spec in runtime.inputs:
        _require_possible(feed, spec)
    if binding.ending is not Ending.RAW:
        return TfliteDetector(
            runtime, feed.preprocessing, binding.names, feed.way, binding.first_class
        )
    if contract is None or anchors is None:
        raise RecordError(
            "raw outputs without what decodes them",
            expected=f"{NAMES[PackedRole.ANCHORS]} and the attributes of post-processing",
            where="the pack",
        )
    return RawTfliteDetector(runtime, contract, anchors, binding.names, feed.way)


def _anchors(pack: Pack) -> NDArray[np.float32] | None:
    data = pack.members.get(PackedRole.ANCHORS)
    if data is None:
        return None
    with guarded(RecordError, "anchors that cannot be read", where=NAMES[PackedRole.ANCHORS]):
        anchors = parse_npy(data).astype(np.float32)
        if anchors.ndim != 2 or anchors.shape[1] != 4:
            raise ValueError(f"the shape {list(anchors.shape)}")
    return anchors


def _against(
    manifest: PackManifest, first: Detections | None, second: Detections | None
) -> Disagreement | None:
    if first is None or second is None or manifest.image is None:
        return None
    key = manifest.image.key
    (found,) = disagreements({key: first}, {key: second}, manifest.rule)
    return found


def _same_bits(first: Detections, second: Detections) -> bool:
    """NaN too: the same bits are the same case."""
    return all(
        getattr(first, name).tobytes() == getattr(second, name).tobytes()
        and getattr(first, name).shape == getattr(second, name).shape
        for name in ("boxes", "scores", "classes")
    )


def _largest_difference(first: Detections | None, second: Detections | None) -> float | None:
    if first is None or second is None or not np.array_equal(first.classes, second.classes):
        return None
    pairs = ((first.boxes, second.boxes), (first.scores, second.scores))
    with np.errstate(invalid="ignore"):
        found = [float(np.abs(one - other).max()) for one, other in pairs if one.size]
    largest = max(found, default=0.0)
    return largest if np.isfinite(largest) else None


def _counts(found: Disagreement | None) -> tuple[int, ...]:
    if found is None:
        return ()
    return found.lost, found.gained, found.moved, len(found.changed)
