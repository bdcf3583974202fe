"""Failing cases of a session: one pack for each file that did not pass, beside the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.comparison.disagreements import DisagreementRule, disagreements, worst_images
from validation.errors import ArtefactError, ValidationError
from validation.files.atomic import write_bytes_atomic
from validation.files.limits import MIB, file_limits
from validation.files.outside import Size, read_bytes
from validation.packs.manifest import PackedImage, PackedRole, PackManifest
from validation.packs.writing import pack_bytes
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.detection_files import detections_bytes
from validation.record.detections import Detections
from validation.record.evidence import load_evidence
from validation.record.kept_files import PACKS_FOLDER, pack_name
from validation.record.machine_class import MachineClass
from validation.record.run import Artefact, ArtefactRole, EvidenceContent
from validation.record.store import Record
from validation.record.types import REFERENCE, CheckResult, ModelKey
from validation.signoff.rules import evidence
from validation.specs.variants import variant_of

# What lies in the run's folder, in the order in which a pack has it.
_KEPT = {
    ArtefactRole.TFLITE: PackedRole.MODEL,
    ArtefactRole.ANCHORS: PackedRole.ANCHORS,
    ArtefactRole.LABELS: PackedRole.LABELS,
    ArtefactRole.FEEDING: PackedRole.FEEDING,
}


@dataclass(frozen=True)
class Packs:
    """The failing cases of a run.

    Args:
        written: For the record.
        left_out: Files of which there is no pack, and why, a line each.
    """

    written: tuple[Artefact, ...] = ()
    left_out: tuple[str, ...] = ()


def write_packs(
    record: Record,
    folder: Path,
    images: Callable[[], Mapping[str, ImageFile]],
    policy: Policy,
    *,
    every: bool = False,
) -> Packs:
    """Write a pack for each file with a check that failed.

    Args:
        record: What the run has recorded.
        folder: Of the run.
        images: Those of the session by key; asked for where there is something to pack.
        policy: Of the run: how large packs may be, and how detections are compared.
        every: Of files that passed, too.
    """
    written: list[Artefact] = []
    left_out: list[str] = []
    room = policy.setting("packs_mib") * MIB
    for key in record.tflite_files:
        results = [each for each in record.results if each.key == key]
        if not every and all(evidence(each) is not Status.FAIL for each in results):
            continue
        try:
            data = _packed(record, key, results, folder, images(), policy)
            if len(data) > Size.PACK.most_bytes:
                left_out.append(f"{key}: more than {file_limits().pack_mib:g} MiB (pack_mib)")
            elif len(data) > room:
                left_out.append(
                    f"{key}: all packs have more than {policy.setting('packs_mib'):g} MiB "
                    "(packs_mib)"
                )
            else:
                written.append(_written(key, data, folder))
                room -= len(data)
        except OSError as error:
            left_out.append(f"{key}: {error.strerror or error}")
        except ValidationError as error:
            left_out.append(f"{key}: {error}")
    return Packs(tuple(written), tuple(left_out))


def _written(key: ModelKey, data: bytes, folder: Path) -> Artefact:
    name = pack_name(key)
    path = f"{PACKS_FOLDER}/{name}"
    write_bytes_atomic(folder / path, data, make_folder=True)
    return Artefact(
        key.model,
        ArtefactRole.FAILING_CASE,
        key.variant,
        name,
        hashlib.sha256(data).hexdigest(),
        len(data),
        path=path,
        file=key.file,
    )


def _packed(
    record: Record,
    key: ModelKey,
    results: list[CheckResult],
    folder: Path,
    images: Mapping[str, ImageFile],
    policy: Policy,
) -> bytes:
    members = dict(_kept(record, key, folder))
    rule = DisagreementRule.of(
        policy,
        policy.setting("parity_min_score"),
        in_8_bits=variant_of(key.variant).is_quantised,
    )
    found = _found(record, key, folder)
    expected = _found(record, ModelKey(key.model, REFERENCE), folder)
    about = _worst(expected, found, images, rule)
    if about is not None:
        image = images[about.key]
        members[PackedRole.IMAGE] = read_bytes(image.path, Size.IMAGE)
        for role, side in ((PackedRole.EXPECTED, expected), (PackedRole.FOUND, found)):
            if about.key in side:
                members[role] = detections_bytes({about.key: side[about.key]})
    header = record.header
    manifest = PackManifest(
        subject=key,
        run=header.run,
        started=header.started,
        versions=header.versions,
        machine=header.machine,
        machine_class=MachineClass.of(header.machine),
        command_line=header.command_line,
        options=header.options,
        limits=header.limits,
        checks=tuple(each for each in results if evidence(each) is not Status.PASS),
        diagnoses=tuple(each for each in record.diagnoses if each.key == key),
        feed=next((each for each in record.feeds if each.key == key), None),
        image=about,
        rule=rule,
        files=(),
    )
    return pack_bytes(manifest, members)


def _kept(record: Record, key: ModelKey, folder: Path) -> Iterator[tuple[PackedRole, bytes]]:
    """The judged file, and what the run's folder holds beside it."""
    for role, packed in _KEPT.items():
        own = [
            each for each in record.artefacts if each.role is role and each.path and each.key == key
        ]
        if own:
            yield packed, read_bytes(folder / own[0].path, Size.MODEL)
        elif packed is PackedRole.MODEL:
            raise ArtefactError("the run's folder holds no copy of the file")


def _found(record: Record, key: ModelKey, folder: Path) -> Mapping[str, Detections]:
    own = [
        each
        for each in record.evidence
        if each.key == key and each.content is EvidenceContent.DETECTIONS
    ]
    return load_evidence(folder, own[0]) if own else {}


def _worst(
    expected: Mapping[str, Detections],
    found: Mapping[str, Detections],
    images: Mapping[str, ImageFile],
    rule: DisagreementRule,
) -> PackedImage | None:
    """The image on which both differ most; without a reference that with most detections."""
    own = {key: each for key, each in found.items() if key in images}
    if not own:
        return None
    both = {key: expected[key] for key in own if key in expected}
    if not both:
        key = max(own, key=lambda each: len(own[each]))
        return PackedImage(key, images[key].turned, 0, 0)
    order = disagreements(both, own, rule)
    differing = len(worst_images(order, len(order)))
    worst = order[0].image
    return PackedImage(worst, images[worst].turned, differing, len(order))
