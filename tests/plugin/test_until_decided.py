"""Sessions that look at more and more images, and stop where every file is decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from session_results import Run, verdict
from signable_run import JANE, files_of

from validation.cli import main
from validation.policy.load import load_policy
from validation.record.store import RECORD_NAME, Record, load_record
from validation.record.until_decided import UNSEEN_LOSS
from validation.signoff.signing import propose

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_EVIDENCE = Path(__file__).parents[1] / "support" / "little_evidence.toml"
_TWO = """
[setting.until_decided_images]
value = 2
reason = "six images in all"
"""
_LOOSE = """
[[limit]]
check = "accuracy"
measure = "ap_drop"
max = 0.9
reason = "four images may show nothing of a loss of less"
"""
_CHOSEN = ("--variant", "float")


def _policy(folder: Path, *texts: str) -> str:
    path = folder / "looks.toml"
    path.write_text("".join([_EVIDENCE.read_text(encoding="utf-8"), *texts]), encoding="utf-8")
    return f"--policy={path}"


def _run_folder(session: Any) -> Path:
    (path,) = session.reports.glob("20*")
    return Path(path)


def _record(session: Any) -> Record:
    return load_record(_run_folder(session) / RECORD_NAME)


def test_a_plain_pass_stops_early(over_miniature: Run, session: Any, tmp_path: Path) -> None:
    """Four images of six: every check judges on them, and the run can be signed and verified."""
    result = over_miniature("--until-decided", *_CHOSEN, _policy(tmp_path, _TWO, _LOOSE))
    assert verdict(result) == "PASS"
    result.stdout.fnmatch_lines(
        [
            "validation: look 1 of 3, 2 of 6 images: open: mini-float "
            "(a loss on images that were not seen)",
            "validation: look 2 of 3, 4 of 6 images: every file is decided",
            "  every file was decided on 4 of 6 images, look 2 of 3; intervals of 9*.* %",
        ]
    )
    record = _record(session)
    found, dataset = record.header.until_decided, record.header.dataset
    assert found is not None
    assert dataset is not None
    assert [each.images for each in found.looks] == [2, 4, 6]
    assert (found.number, found.is_last, dataset.images) == (2, False, 4)
    assert [each.measures for each in found.undecided[0]] == [(UNSEEN_LOSS,)]
    assert {each.images for each in record.accuracies} == {4}
    assert {each.level for each in record.ap_differences} == {found.stopped.level}
    # The canaries are looked at in any case.
    assert {each.images for each in record.evidence} == {4, 4 + 4}
    assert "every file was decided on 4 of 6 images" in session.page()
    run = _run_folder(session)
    assert main(["signoff", str(run), "--by", "Jane Roe"]) == 0
    assert main(["signoff", "--verify", str(run), "--intervals"]) == 0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"power": 1', '"power": 2', "seed and power of the looks"),
        ('"images": 4, "spent"', '"images": 5, "spent"', "the looks is not what the policy"),
        ('"undecided": [[{', '"undecided": [[], [{', "the look at which the run stopped"),
    ],
)
def test_looks_of_another_policy_are_refused(
    over_miniature: Run, session: Any, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    """A record whose looks the policy does not plan is not signed."""
    over_miniature("--until-decided", *_CHOSEN, "-k", "accuracy", _policy(tmp_path, _TWO, _LOOSE))
    files = files_of(_run_folder(session))
    record = files[RECORD_NAME].decode()
    assert old in record
    changed = {**files, RECORD_NAME: record.replace(old, new).encode()}
    assert reason in " ".join(propose(changed, JANE).reasons)


def test_figures_are_those_of_a_run_on_exactly_these_images(
    over_miniature: Run, session: Any, tmp_path: Path, miniature: MiniatureFiles
) -> None:
    """Detections in parts, joined: the same bits as from one run on the same images."""
    policy = _policy(tmp_path, _TWO, _LOOSE)
    over_miniature("--until-decided", *_CHOSEN, policy)
    first = _run_folder(session)
    looked_at = load_record(first / RECORD_NAME)
    kept = json.loads(miniature.annotations.read_text())
    ids = {int(key) for key in _keys(first, looked_at)}
    kept["images"] = [each for each in kept["images"] if each["id"] in ids]
    kept["annotations"] = [each for each in kept["annotations"] if each["image_id"] in ids]
    these = tmp_path / "annotations.json"
    these.write_text(json.dumps(kept))
    over_miniature("--coco-annotations", these, *_CHOSEN, policy)
    (second,) = (run for run in session.reports.glob("20*") if run != first)
    fixed = load_record(second / RECORD_NAME)
    assert [each.figures for each in fixed.accuracies] == [
        each.figures for each in looked_at.accuracies
    ]
    assert {each.sha256 for each in fixed.evidence} == {each.sha256 for each in looked_at.evidence}


def _keys(run: Path, record: Record) -> list[str]:
    from validation.record.evidence import load_evidence

    each = next(each for each in record.evidence if each.images == 8)
    return [key for key in load_evidence(run, each) if key.isdecimal()]


def test_what_is_never_decided_is_judged_on_all_images(
    over_miniature: Run, session: Any, tmp_path: Path
) -> None:
    """By the built-in limit a float file needs far more images than there are."""
    result = over_miniature("--until-decided", *_CHOSEN, "-k", "accuracy", _policy(tmp_path, _TWO))
    record = _record(session)
    found = record.header.until_decided
    assert found is not None
    assert (found.number, found.is_last, found.undecided[-1]) == (3, True, ())
    assert {each.images for each in record.accuracies} == {6}
    result.stdout.fnmatch_lines(["  all 6 images looked at, look 3 of 3: every file decided; *"])


def test_few_images_are_one_look(over_miniature: Run, session: Any) -> None:
    """Six images and a first look at 250: everything is as without the option."""
    over_miniature("--until-decided", *_CHOSEN, "-k", "accuracy")
    found = _record(session).header.until_decided
    assert found is not None
    assert [(each.images, each.level) for each in found.looks] == [(6, 0.95)]


def test_children_look(over_miniature: Run, session: Any, tmp_path: Path) -> None:
    """As the process of the session does where it looks itself."""
    policy = _policy(tmp_path, _TWO, _LOOSE)
    over_miniature("--until-decided", *_CHOSEN, "-k", "accuracy", policy, apart=True)
    found = _record(session).header.until_decided
    assert found is not None
    assert found.number == 2


@pytest.mark.parametrize(
    ("options", "labelled", "reason"),
    [
        ((), False, "no labelled images; name them with --coco-annotations"),
        (("-n", "2"), True, "several sessions side by side (-n); leave -n out"),
        (("--shard", "1/2"), True, "--shard, which runs all images elsewhere; leave --shard or"),
    ],
)
def test_what_leaves_nothing_to_decide_is_refused(
    over_miniature: Run, options: tuple[str, ...], labelled: bool, reason: str
) -> None:
    """Before anything runs, by one line."""
    result = over_miniature("--until-decided", *options, labelled=labelled)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert reason in str(result.stderr)


def test_nothing_is_looked_at_where_no_check_asks_for_it(over_miniature: Run, session: Any) -> None:
    """Latency needs no labels."""
    over_miniature("--until-decided", *_CHOSEN, "-k", "latency")
    assert _record(session).header.until_decided is None


def test_policy_says_how_looks_are_made() -> None:
    """Each with a range and a reason, as all settings."""
    policy = load_policy()
    assert policy.setting("until_decided_images") == 250
    assert policy.setting("until_decided_power") == 1
