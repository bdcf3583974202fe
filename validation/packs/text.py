"""What a replay prints: what the run had said, and whether it still holds."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from validation.comparison.disagreements import Disagreement
from validation.packs.manifest import PackManifest
from validation.packs.replaying import Replayed
from validation.record.diagnosis_words import by_directness, diagnosis_lines
from validation.record.formatting import describe_result, number, plural

# Beside the harness, what decides a file's bits.
_SHOWN = ("harness", "tensorflow", "ai-edge-litert")


def lines_of(replayed: Replayed) -> Iterator[str]:
    """One line of text each."""
    manifest = replayed.manifest
    yield from _run_said(manifest)
    yield from _here(replayed)
    yield _verdict(replayed)


def _run_said(manifest: PackManifest) -> Iterator[str]:
    versions = ", ".join(f"{name} {manifest.versions.get(name, '?')}" for name in _SHOWN)
    yield f"{manifest.subject} of run {manifest.run}: {versions}; {manifest.machine_class}"
    options = [
        f"{each.flag}={each.value}" if each.value else each.flag for each in manifest.command_line
    ]
    yield f"command: {shlex.join(['validation', 'run', *options])}"
    yield "the run said:"
    for result in manifest.checks:
        yield f"  {result.status.upper()} {result.check}: {describe_result(result)}"
    if not manifest.checks:
        yield "  every check passed"
    # Several checks may have found one fault.
    for line in dict.fromkeys(diagnosis_lines(by_directness(manifest.diagnoses))):
        yield f"  {line}"
    image = manifest.image
    if image is not None:
        yield (
            f"worst image: {image.key}; file and reference differ on {image.disagreeing:,} of "
            f"{plural(image.compared, 'image')}"
        )


def _here(replayed: Replayed) -> Iterator[str]:
    if replayed.then is not None:
        yield f"in the run, against the reference: {_difference(replayed.then)}"
    if replayed.now is not None:
        yield f"here, against the reference: {_difference(replayed.now)}"
    for each in replayed.other_versions:
        yield f"another {each.package}: {each.run or 'none'} then, {each.here or 'none'} here"
    if replayed.stopped:
        yield f"here the file does not run: {replayed.stopped}"
    elif replayed.bit_equal:
        yield "here the file detects what it did in the run, to the last bit"
    elif replayed.from_run is not None:
        words = _difference(replayed.from_run)
        largest = replayed.largest_difference
        by = "" if largest is None else f", values by at most {number(largest)}"
        yield f"here the file detects not the same bits as in the run: {words}{by}"
    else:
        yield "here the file loads"


def _difference(found: Disagreement) -> str:
    if found.agrees:
        return f"{plural(found.pairs, 'detection')} in both, none lost, gained or moved"
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (found.lost, "lost"),
            (found.gained, "gained"),
            (found.moved, "moved"),
            (len(found.changed), "of another class"),
        )
        if count
    ]
    return f"{plural(found.pairs, 'detection')} in both, {', '.join(parts)}"


def _verdict(replayed: Replayed) -> str:
    if replayed.holds:
        return "reproduced: here the file does what the run recorded; its checks were not run again"
    return "not reproduced: here the file does something else than in the run"
