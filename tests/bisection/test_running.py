"""A whole search, with made-up versions: nightlies after releases, interruptions, what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from validation.bisection.families import FAMILIES, Build, requirements
from validation.bisection.result import OtherPackage, lines, result_of
from validation.bisection.running import NEWEST_NIGHTLY, Tools, first_stage, search
from validation.bisection.search import Answer, Blocked, Found, Obstacle
from validation.bisection.state import Question, Stage, State, Trial, load_state, save_state
from validation.errors import DownloadFailed, RecordError, UsageError

_FAMILY = FAMILIES["tensorflow"]
_RELEASES = ("2.18.0", "2.18.1", "2.19.0", "2.20.0rc0", "2.20.0", "2.21.0rc0", "2.21.0")
_NIGHTLIES = (*(f"2.21.0.dev202508{day:02}" for day in range(1, 17)), "2.22.0.dev20260301")
_QUESTION = Question("tensorflow", ("run",), "2.18.0", "2.21.0", False, True, "3.11")


@dataclass
class _World:
    """An index and its builds, the first bad one known.

    Args:
        first_bad: Every build from it on is bad.
        broken: Versions that cannot be judged.
        stop_at: Number of the trial that is interrupted.
        nightlies: That the index has; empty: it knows no such project.
    """

    first_bad: str
    broken: frozenset[str] = frozenset()
    stop_at: int | None = None
    nightlies: tuple[str, ...] = _NIGHTLIES
    tried: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    saved: list[State] = field(default_factory=list)

    def offered(self, project: str) -> tuple[str, ...]:
        found = self.nightlies if project == _FAMILY.nightly else _RELEASES
        if not found:
            raise DownloadFailed(f"the package index offers no version of {project}")
        return found

    def try_build(self, build: Build, number: int) -> Trial:
        assert self.saved[-1].running == build
        if number == self.stop_at:
            raise KeyboardInterrupt
        self.tried.append(build.version)
        is_bad = Version(build.version) >= Version(self.first_bad)
        answer = Answer.BAD if is_bad else Answer.GOOD
        if build.version in self.broken:
            return Trial(build, Answer.SKIP, "cannot be installed: no", None, 1.0, {}, "a.log")
        installed = {build.project: build.version, "keras": "4" if is_bad else "3", "numpy": "2"}
        return Trial(
            build, answer, f"exit code {int(is_bad)}", int(is_bad), 60.0, installed, "b.log"
        )

    def tools(self) -> Tools:
        return Tools(self.try_build, self.offered, self.saved.append, self.said.append)


def _begun(world: _World, question: Question = _QUESTION) -> State:
    return State.of(question, first_stage(question, _FAMILY, world.offered), ())


def _found(world: _World, question: Question = _QUESTION) -> tuple[State, Found | Blocked]:
    return search(_begun(world, question), _FAMILY, world.tools())


@pytest.mark.parametrize("version", [*_NIGHTLIES[:-1], "2.21.0rc0", "2.21.0"])
def test_nightlies_are_searched_between_two_releases(version: str) -> None:
    """Releases first, without the pre-releases; then what was built between two of them."""
    world = _World(version)
    state, found = _found(world)
    builds = [*_NIGHTLIES[:-1], "2.21.0rc0", "2.21.0"]
    place = builds.index(version)
    assert found == Found(builds[place - 1] if place else "2.20.0", version)
    assert "2.20.0rc0" not in world.tried
    # Two ends; four releases; then sixteen nightlies, a candidate and a release.
    assert len(world.tried) <= 2 + 2 + 5
    result = result_of(state, found)
    assert result.first_bad.project == ("tf-nightly" if "dev" in version else "tensorflow")
    assert result.is_exact and result.taken_on_trust == ()
    assert result.others == (OtherPackage("keras", "3", "4"),)


def test_releases_alone_where_that_is_asked() -> None:
    """And where the index has no nightly builds, which is said."""
    world = _World("2.21.0.dev20250803")
    _, found = _found(world, replace(_QUESTION, nightly=False))
    assert found == Found("2.20.0", "2.21.0")
    world = _World("2.20.0", nightlies=())
    _, found = _found(world)
    assert found == Found("2.19.0", "2.20.0")
    assert world.said[-1] == (
        "no nightly builds are tried: the package index offers no version of tf-nightly"
    )
    world = _World("2.19.0")
    _, found = _found(world)
    assert found == Found("2.18.1", "2.19.0")
    assert "no nightly build between tensorflow 2.18.1 and tensorflow 2.19.0" in world.said[-1]


def test_a_nightly_may_be_the_bad_one() -> None:
    """A nightly job that turned red asks this."""
    question = replace(_QUESTION, good=None, bad=NEWEST_NIGHTLY)
    world = _World("2.22.0.dev20260301")
    _, found = _found(world, question)
    assert found == Found("2.21.0", "2.22.0.dev20260301")


@pytest.mark.parametrize("stop_at", range(1, 9))
def test_an_interrupted_search_goes_on_where_it_was(stop_at: int, tmp_path: Path) -> None:
    """No version is tried twice, and the answer is that of a search in one go."""
    whole = _World("2.21.0.dev20250805")
    _, expected = _found(whole)
    world = replace(_World("2.21.0.dev20250805"), stop_at=stop_at)
    state = _begun(world)
    save_state(tmp_path, state)
    tools = replace(world.tools(), save=_both(world.saved.append, tmp_path))
    try:
        search(state, _FAMILY, tools)
    except KeyboardInterrupt:
        assert len(world.tried) == stop_at - 1
    world.stop_at = None
    again = load_state(tmp_path, _QUESTION)
    assert again is not None
    _, found = search(again, _FAMILY, tools)
    assert found == expected
    assert world.tried == whole.tried


def _both(first: Callable[[State], None], folder: Path) -> Callable[[State], None]:
    def save(state: State) -> None:
        first(state)
        save_state(folder, state)

    return save


def test_doubt_is_said() -> None:
    """Versions that could not be judged, those of other Pythons, and ends that were not tried."""
    world = _World("2.20.0", broken=frozenset({"2.19.0", "2.18.1"}), nightlies=())
    question = replace(_QUESTION, trusted=True)
    state, found = _found(world, question)
    assert isinstance(found, Found)
    result = result_of(replace(state, elsewhere=("2.17.1", "2.19.1", "2.20.1")), found)
    assert not result.is_exact
    said = lines(result, "3.11")
    assert said[:2] == ["first bad: tensorflow 2.20.0", "last good: tensorflow 2.18.0"]
    assert said[2].startswith("in doubt: tensorflow 2.18.1, tensorflow 2.19.0: ")
    assert said[3].startswith("in doubt: 2.19.1: no wheel for Python 3.11")
    assert said[4] == "not tried, as asked: tensorflow 2.18.0, tensorflow 2.21.0"
    assert said[5] == "other packages: not compared, as one of the two was not tried"
    assert "skipped: tensorflow 2.19.0: cannot be installed: no" in said
    assert said[-1] == "environments: 3, 1.0 min"


def test_a_version_can_be_left_out_afterwards() -> None:
    """It replaces the answer that there was."""
    world = _World("2.20.0", nightlies=())
    state, _ = _found(world)
    state = state.without(Build("tensorflow", "2.19.0"))
    _, found = search(state, _FAMILY, world.tools())
    assert found == Found("2.18.1", "2.20.0", ("2.19.0",))


@pytest.mark.parametrize(
    ("first_bad", "doubtful"), [("2.20.0.dev1", ("2.19.0",)), ("2.19.0.dev1", ())]
)
def test_a_release_that_was_skipped_stays_in_doubt_among_nightlies(
    first_bad: str, doubtful: tuple[str, ...]
) -> None:
    """Where it lies between the last good and the first bad build, and only there."""
    world = _World(
        first_bad, broken=frozenset({"2.19.0"}), nightlies=("2.19.0.dev1", "2.20.0.dev1")
    )
    state, found = _found(world)
    assert isinstance(found, Found)
    assert (found.first_bad, found.skipped) == (first_bad, doubtful)
    assert result_of(state, found).is_exact is not bool(doubtful)
    assert world.tried.count("2.19.0") == 1


def test_what_rests_on_a_version_that_is_left_out_is_searched_anew() -> None:
    """The nightlies before a release that was bad are no answer once it is left out."""
    world = _World("2.21.0.dev20250805")
    state, found = _found(world)
    assert found == Found("2.21.0.dev20250804", "2.21.0.dev20250805")
    other, found = search(state.without(Build("tensorflow", "2.18.1")), _FAMILY, world.tools())
    assert found == Found("2.21.0.dev20250804", "2.21.0.dev20250805")
    assert other.nightlies == state.nightlies
    other, found = search(state.without(Build("tensorflow", "2.20.0")), _FAMILY, world.tools())
    assert found == Found("2.21.0.dev20250804", "2.21.0.dev20250805")
    assert other.nightlies is not None and other.nightlies.good.version == "2.19.0"  # type: ignore[union-attr]


def test_versions_that_are_left_out_are_no_environments() -> None:
    """The first that is tried is the first, whatever --skip names."""
    world = _World("2.20.0", nightlies=())
    state = _begun(world).without(Build("tensorflow", "2.19.0"))
    search(state, _FAMILY, world.tools())
    assert world.said[0].startswith("environment 1")


@pytest.mark.parametrize(
    ("first_bad", "obstacle", "tried"),
    [
        ("2.17.0", Obstacle.GOOD_IS_BAD, ["2.18.0"]),
        ("2.30.0", Obstacle.BAD_IS_GOOD, ["2.18.0", "2.21.0"]),
    ],
)
def test_wrong_ends_stop_the_search(first_bad: str, obstacle: Obstacle, tried: list[str]) -> None:
    """Before anything between them is tried."""
    world = _World(first_bad)
    _, found = _found(world)
    assert isinstance(found, Blocked) and found.obstacle is obstacle
    assert world.tried == tried


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("2.21.0", "2.18.0", "older than the bad one: expected a version before 2.18.0"),
        ("2.17.5", "2.21", "no tensorflow 2.17.5 for Python"),
        ("2.18", "what", "no tensorflow what for Python"),
        ("2.18", "2.21.0.dev19990101", "no tf-nightly 2.21.0.dev19990101 for Python"),
    ],
)
def test_ends_that_cannot_be(good: str, bad: str, said: str) -> None:
    """Are refused before an environment is made."""
    with pytest.raises(UsageError, match=said):
        _begun(_World("2.20.0"), replace(_QUESTION, good=good, bad=bad))


def test_another_question_is_another_search(tmp_path: Path) -> None:
    """Its answers would be of something else."""
    save_state(tmp_path, _begun(_World("2.20.0")))
    with pytest.raises(UsageError, match=r"another search .*expected the same command, good; "):
        load_state(tmp_path, replace(_QUESTION, command=("judge", "a"), good=None))
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(RecordError):
        load_state(tmp_path, _QUESTION)


_ENDS = {"bad": Build("tensorflow", "2.21.0"), "good": Build("tensorflow", "2.18.0")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bad": Build("tensorflow", "9.9")}, "none of its builds"),
        ({"good": Build("tensorflow", "9.9")}, "none of its builds"),
        ({"good": _ENDS["bad"], "bad": _ENDS["good"]}, "not older"),
        ({"builds": (_ENDS["bad"], _ENDS["good"])}, "not in order"),
        ({"builds": (_ENDS["good"], _ENDS["good"], _ENDS["bad"])}, "or twice"),
        ({"builds": (_ENDS["good"], Build("tensorflow", "x"), _ENDS["bad"])}, "'x'"),
        ({"builds": ()}, "none of its builds"),
    ],
)
def test_a_search_that_does_not_agree_with_itself_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """A file that somebody changed."""
    stage = Stage((_ENDS["good"], _ENDS["bad"]), **_ENDS, trusted=False)
    state = State.of(_QUESTION, stage, ())
    save_state(tmp_path, state)
    assert load_state(tmp_path, _QUESTION) == state
    save_state(tmp_path, replace(state, releases=replace(stage, **change)))
    with pytest.raises(RecordError, match=said):
        load_state(tmp_path, _QUESTION)


def test_what_goes_with_a_build() -> None:
    """tf-keras follows TensorFlow, and nightly builds have one of their own."""
    base = ("tensorflow>=2.18,<2.22", "tf_keras>=2.18,<2.22", "numpy>=2.0")
    assert requirements(_FAMILY, Build("tensorflow", "2.19.0"), base) == (
        "tensorflow==2.19.0",
        "tf-keras",
        "numpy>=2.0",
    )
    assert requirements(_FAMILY, Build("tf-nightly", "2.21.0.dev20250801"), base) == (
        "tf-nightly==2.21.0.dev20250801",
        "tf-keras-nightly",
        "numpy>=2.0",
    )
