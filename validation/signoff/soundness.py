"""Whether a run's folder is whole and agrees with itself: before it is signed, and ever after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from validation.errors import CatalogueError, ValidationError, first_few, sentence
from validation.files.structured import unstructure
from validation.policy.load import Policy, PolicyFiles, policy_from
from validation.record.given_files import given_file
from validation.record.kept_files import FILES_FOLDER
from validation.record.policy_files import BUILT_IN_POLICY, OWN_POLICY, POLICY_FOLDER
from validation.record.run import ArtefactRole
from validation.record.store import RECORD_NAME, Record, parse_record
from validation.record.types import CheckResult, Measure
from validation.signoff.differences import differences
from validation.signoff.recomputed import contradictions
from validation.signoff.recomputed_baseline import baseline_contradictions
from validation.signoff.recomputed_looks import look_contradictions
from validation.signoff.rules import Judgement, evidence, judge, keys_under_test
from validation.signoff.run_files import digests, is_counted, named_files


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit.

    Args:
        where: The file, with the field in it where one is known.
        what: What is wrong, without a full stop.
        expected: What would have been right; empty where nothing needs saying.
        got: What is there instead.
    """

    where: str
    what: str
    expected: str = ""
    got: str = ""

    @classmethod
    def of(cls, where: str, error: ValidationError) -> Fault:
        """The fault that an error of the harness tells."""
        place = where if error.where is None else f"{where}: {error.where}"
        expected, got = ("" if each is None else str(each) for each in (error.expected, error.got))
        return cls(place, error.what, expected, got)

    def describe(self) -> str:
        """One line."""
        return sentence(self.what, self.expected or None, self.got or None, self.where, None)


@dataclass(frozen=True)
class Judged:
    """A run that was read and judged anew.

    Args:
        record: Of the run.
        policy: As it was when the run was made.
        judgement: Of the record by that policy.
    """

    record: Record
    policy: Policy
    judgement: Judgement


@dataclass(frozen=True)
class Examined:
    """What was found in a run's folder.

    Args:
        faults: What does not fit; a run with any is not signed.
        digests: The sha256 of each file that counts.
        judged: None where record or policy cannot be read.
    """

    faults: tuple[Fault, ...]
    digests: Mapping[str, str]
    judged: Judged | None = None


def examine(files: Mapping[str, bytes], *, redraw: bool) -> Examined:
    """Read a run as a whole and judge it anew, by the policy in its own folder.

    Args:
        files: Bytes by path below the run's folder.
        redraw: Make the intervals again from the evidence, see `contradictions`.
    """
    try:
        hashes = digests(files)
    except ValidationError as error:
        return Examined((Fault.of(str(error.where), error),), {})
    if RECORD_NAME not in files:
        return Examined((Fault(RECORD_NAME, "the run has no record"),), hashes)
    try:
        record = parse_record(files[RECORD_NAME], RECORD_NAME)
    except ValidationError as error:
        return Examined((Fault.of(RECORD_NAME, error),), hashes)
    faults = [*_file_faults(record, hashes, files), *_given_faults(record)]
    policy = _policy(record, files, hashes, faults)
    if policy is None:
        return Examined(tuple(faults), hashes)
    faults += [fault for result in record.results for fault in _result_faults(result, policy)]
    # What evidence says is only asked of the files that the record names.
    if not faults:
        faults += [
            Fault(RECORD_NAME, f"{each.what} is not what {each.source} gives", each.right, each.got)
            for each in (
                *contradictions(record, files, redraw=redraw),
                *look_contradictions(record, policy),
                *baseline_contradictions(record, policy, files, redraw=redraw),
            )
        ]
    return Examined(tuple(faults), hashes, Judged(record, policy, judge(record, policy)))


def _file_faults(
    record: Record, hashes: Mapping[str, str], files: Mapping[str, bytes]
) -> Iterator[Fault]:
    """Files that are missing, changed or unknown."""
    named = named_files(record)
    for path, file in named.items():
        if not is_counted(path):
            yield Fault(
                RECORD_NAME, "the record names a file outside of the run's folders", "", path
            )
        elif path not in hashes:
            yield Fault(path, "the file is missing", f"sha256 {file.sha256}")
        elif hashes[path] != file.sha256:
            yield Fault(
                path,
                "the file is not the one that the record names",
                f"sha256 {file.sha256}",
                f"sha256 {hashes[path]}",
            )
        elif file.size_bytes not in (None, len(files[path])):
            yield Fault(path, "the size is wrong", f"{file.size_bytes}", f"{len(files[path])}")
    policy = {BUILT_IN_POLICY, OWN_POLICY} if record.header.policy_overlay else {BUILT_IN_POLICY}
    for path in hashes:
        if path not in named and path not in policy and path != RECORD_NAME:
            yield Fault(path, "the record knows nothing of this file")
    for artefact in record.artefacts:
        if artefact.role is ArtefactRole.TFLITE and not artefact.path:
            yield Fault(
                f"{FILES_FOLDER}/",
                f"the judged file of {artefact.key} is not in the run's folder",
                f"{artefact.name}, sha256 {artefact.sha256}",
            )


def _given_faults(record: Record) -> Iterator[Fault]:
    """Given files that the header does not name, or of which it names other bytes."""
    files = record.tflite_files
    where = f"{RECORD_NAME}: header, given"
    for key in keys_under_test(record):
        given = given_file(record.header, key)
        if key.file and given is None:
            yield Fault(where, f"nothing says what {key} was judged by")
        elif given is not None and key in files and files[key].sha256 != given.sha256:
            what = f"the judged file of {key} is not the one that was given"
            yield Fault(where, what, f"sha256 {given.sha256}", f"sha256 {files[key].sha256}")


def _policy(
    record: Record, files: Mapping[str, bytes], hashes: Mapping[str, str], faults: list[Fault]
) -> Policy | None:
    """The policy in the run's folder, where it is that of the record's header."""
    header = record.header
    overlay = header.policy_overlay
    expected = {BUILT_IN_POLICY: header.policy_sha256}
    if overlay is not None:
        expected[OWN_POLICY] = overlay.sha256
    for path, sha256 in expected.items():
        if path not in hashes:
            faults.append(Fault(path, "the policy of the run is missing", f"sha256 {sha256}"))
            return None
        if hashes[path] != sha256:
            text = "the policy is not the one that the run was judged by"
            faults.append(Fault(path, text, f"sha256 {sha256}", f"sha256 {hashes[path]}"))
            return None
    named = PolicyFiles(files[BUILT_IN_POLICY], files[OWN_POLICY] if overlay else None)
    # Checks of a plugin are known by what they left: the overlay has to be the same anyway.
    checks = {result.check for result in record.results}
    if overlay is not None:
        checks.update(each.rule.check for each in overlay.limits)
        checks.update(each.check for each in overlay.required)
    try:
        policy = policy_from(named, overlay.file if overlay else "", checks)
    except CatalogueError as error:
        faults.append(Fault.of(POLICY_FOLDER, error))
        return None
    faults += [
        Fault(
            f"{RECORD_NAME}: header, policy_overlay {each.where}",
            f"the record has other limits than {OWN_POLICY}",
            each.second,
            each.first,
        )
        for each in differences(unstructure(overlay), unstructure(policy.overlay))
    ]
    return policy


def _result_faults(result: CheckResult, policy: Policy) -> Iterator[Fault]:
    """What a result cannot say if the harness has written it."""
    where = f"{RECORD_NAME}: {result.key}, {result.check}"
    worth = evidence(result)
    if worth is not result.status:
        broken = [each.name for each in result.measures if each.status is worth]
        said = f"{worth}, by {first_few(broken) or 'its measures, of which none has a limit'}"
        yield Fault(where, "the status is not that of the measures", said, result.status)
    for measure in result.measures:
        stated = _limit_differs(measure, result, policy)
        if stated:
            yield Fault(f"{where}, {measure.name}", "the limit is not the policy's", *stated)


def _limit_differs(measure: Measure, result: CheckResult, policy: Policy) -> tuple[str, str] | None:
    """The policy's limit and the record's, in words, where they differ."""
    limit = measure.limit
    if limit is None:
        return None
    try:
        stated = policy.limit(result.check, measure.name, result.model, result.variant)
    except CatalogueError:
        # What a graph declares has to be in the file as it is; no policy has a say in that.
        return None if limit.relation == "equal" else ("a limit in the policy", str(limit))
    return None if stated == limit else (str(stated), str(limit))
