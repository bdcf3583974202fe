"""The in-toto statement of a sign-off: what was signed, as bytes and as facts.

A Statement v1 (https://github.com/in-toto/attestation) whose predicate is a test result,
https://in-toto.io/attestation/test-result/v0.1; our own facts are its field `FACTS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from validation.errors import RecordError, SignoffError
from validation.files.guard import faults
from validation.files.structured import refuse_constant, structure, unstructure
from validation.policy.limits import Status
from validation.record.policy_files import POLICY_FOLDER
from validation.record.types import ModelKey
from validation.signoff.causes import grouped_reasons
from validation.signoff.claims import claims, no_claims
from validation.signoff.figures import SubjectFigures, figures
from validation.signoff.rules import Judgement, evidence
from validation.signoff.shipping import which_files
from validation.signoff.soundness import Judged
from validation.signoff.waivers import Waived, Waiver

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
# vendor_field, as predicates name what is not theirs.
FACTS = "ssdTfliteValidation_signoff"
# 2: files that were given.
LAYOUT = 2

# A subject's key and a check.
_Test = tuple[ModelKey, str]

_RESULTS = {Status.PASS: "PASSED", Status.WARN: "WARNED"}


@dataclass(frozen=True)
class SignedWaiver:
    """A waiver as it was signed, with what it covered, one line each."""

    entry: Waiver
    covers: tuple[str, ...]


@dataclass(frozen=True)
class SignedImages:
    """The labelled images that accuracy was measured on."""

    name: str
    sha256: str
    images: int
    objects: int


@dataclass(frozen=True)
class SignedFacts:
    """Our own field of the predicate.

    Args:
        layout: Of this field.
        run: Name of the run.
        verdict: For example ``PASS``, ``WARN with waivers``, ``PASS (structure only)``.
        by: Who signs, as they gave their name.
        at: UTC.
        signed_with: Version of the harness that made the statement.
        versions: Of packages in the run.
        machine: That the run was made on.
        images: None where no labelled images were given.
        figures: One entry for each subject that was judged.
        to_ship: Of each model the file that the policy prefers, where one is good enough.
        waivers: What was accepted; none for a verdict without waivers.
        reasons: Why the verdict is no plain PASS, one line each.
        without_evidence: Checks that were not required and found nothing out.
        claims: What the signature says.
        does_not_claim: What it does not say.
    """

    layout: int
    run: str
    verdict: str
    by: str
    at: str
    signed_with: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    images: SignedImages | None
    figures: tuple[SubjectFigures, ...]
    to_ship: tuple[str, ...]
    waivers: tuple[SignedWaiver, ...]
    reasons: tuple[str, ...]
    without_evidence: tuple[str, ...]
    claims: tuple[str, ...]
    does_not_claim: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A statement.

    Args:
        subjects: sha256 by path below the run's folder.
        result: PASSED or WARNED; a run with waivers is never PASSED.
        policies: sha256 by path of what it was judged by: subjects too.
        passed: ``model-variant: check`` of each, or ``model-file.tflite: check`` of a given file.
        warned: The same; what a waiver covers is here, and among the waivers by its status.
        facts: Our own.
    """

    subjects: Mapping[str, str]
    result: str
    policies: Mapping[str, str]
    passed: tuple[str, ...]
    warned: tuple[str, ...]
    facts: SignedFacts

    def document(self) -> dict[str, Any]:
        """As JSON types, in in-toto's layout."""
        return {
            "_type": STATEMENT_TYPE,
            "subject": _descriptors(self.subjects),
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "result": self.result,
                "configuration": _descriptors(self.policies),
                "passedTests": list(self.passed),
                "warnedTests": list(self.warned),
                "failedTests": [],
                FACTS: unstructure(self.facts),
            },
        }

    def to_bytes(self) -> bytes:
        """The payload that is signed."""
        return json.dumps(self.document(), indent=1, allow_nan=False).encode()


def parse_statement(payload: bytes, where: str) -> Statement:
    """The statement that a payload holds.

    Raises:
        SignoffError: It is none, or none of this harness.
    """
    try:
        document = json.loads(payload, parse_constant=refuse_constant)
        predicate = document["predicate"]
        statement = Statement(
            _digests(document["subject"]),
            predicate["result"],
            _digests(predicate["configuration"]),
            tuple(predicate["passedTests"]),
            tuple(predicate["warnedTests"]),
            structure(SignedFacts, predicate[FACTS], where=where),
        )
    except RecordError as error:
        raise SignoffError(
            error.what, expected=error.expected, got=error.got, where=error.where
        ) from error
    except faults() as error:
        raise SignoffError(
            "the payload is no statement of this harness",
            expected=f"in-toto's Statement v1 with {FACTS}",
            got=repr(error),
            where=where,
        ) from error
    if statement.document() != document:
        raise SignoffError(
            "the statement holds more than this harness writes",
            expected=f"{PREDICATE_TYPE} with {FACTS}",
            where=where,
        )
    return statement


def make_statement(
    judged: Judged,
    digests: Mapping[str, str],
    waivers: tuple[Waiver, ...],
    waived: Waived,
    *,
    by: str,
    at: str,
    signed_with: str,
) -> Statement:
    """The statement on a run, the same whenever it is made of the same folder and waivers.

    Args:
        judged: The run.
        digests: The sha256 of each file in its folder that counts.
        waivers: What is accepted.
        waived: What they make of the judgement.
        by: Who signs.
        at: UTC.
        signed_with: Version of this harness.
    """
    record, judgement = judged.record, judged.judgement
    tests: dict[Status, list[_Test]] = {status: [] for status in Status}
    for result in record.results:
        tests[evidence(result)].append((result.key, result.check))
    covered = {(each.key, each.check) for covers in waived.covered for each in covers}
    known = {*tests[Status.FAIL], *tests[Status.PASS]}
    required_unknown = sorted(covered - known, key=lambda test: (*_named([test]), test[0].file))
    warned = dict.fromkeys([*tests[Status.WARN], *tests[Status.FAIL], *required_unknown])
    dataset = record.header.dataset
    facts = SignedFacts(
        layout=LAYOUT,
        run=record.header.run,
        verdict=_verdict(judgement, waived, bool(waivers)),
        by=by,
        at=at,
        signed_with=signed_with,
        versions=record.header.versions,
        machine=record.header.machine,
        images=None
        if dataset is None
        else SignedImages(dataset.name, dataset.sha256, dataset.images, dataset.annotations),
        figures=figures(record, judgement, digests),
        to_ship=tuple(
            each.choice.file.path
            for each in which_files(record, judgement, judged.policy)
            if each.choice is not None
        ),
        waivers=tuple(
            SignedWaiver(each, tuple(problem.describe() for problem in covers))
            for each, covers in zip(waivers, waived.covered, strict=True)
        ),
        reasons=tuple(grouped_reasons(judgement.run.findings)),
        without_evidence=_named(
            each for each in tests[Status.UNKNOWN] if each not in required_unknown
        ),
        claims=claims(record, judgement, waived.status, bool(waivers)),
        does_not_claim=no_claims(record, judgement),
    )
    policy_files = f"{POLICY_FOLDER}/"
    return Statement(
        subjects=dict(sorted(digests.items())),
        result="WARNED" if waivers else _RESULTS[waived.status],
        policies={
            path: sha256
            for path, sha256 in sorted(digests.items())
            if path.startswith(policy_files)
        },
        passed=_named(tests[Status.PASS]),
        warned=_named(warned),
        facts=facts,
    )


def _named(tests: Iterable[_Test]) -> tuple[str, ...]:
    return tuple(f"{key}: {check}" for key, check in tests)


def _verdict(judgement: Judgement, waived: Waived, waivers: bool) -> str:
    words = [waived.status.upper()]
    words += ["with waivers"] if waivers else []
    words += ["(structure only)"] if judgement.run.structure_only else []
    return " ".join(words)


def _descriptors(digests: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": path, "digest": {"sha256": sha256}} for path, sha256 in digests.items()]


def _digests(descriptors: Any) -> dict[str, str]:
    found = {each["name"]: each["digest"]["sha256"] for each in descriptors}
    if len(found) != len(descriptors):
        raise ValueError("two entries of one name")
    return found
