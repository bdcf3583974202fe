"""When a second process helps a session, and that nobody notices but by the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from validation.plugin import second_process
from validation.signoff.exit_codes import UNKNOWN
from validation.workspace.prefetch import Item

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_VARIANTS = ("--variant", "float", "--variant", "raw")


class _Fake:
    """Notes what the plugin asks of it."""

    def __init__(self, _: object, items: Sequence[Item], needs: Mapping[str, object]) -> None:
        self.items, self.needs = list(items), needs
        self.told: list[object] = []
        self.made.append(self)

    made: list[_Fake] = []  # noqa: RUF012

    def reached(self, item: Item) -> None:
        self.told.append(item)

    def finish(self, *, at_once: bool = False) -> None:
        self.told.append("at once" if at_once else "finish")

    def merged(self, steps: Sequence[object]) -> list[object]:
        return list(steps)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[_Fake]:
    """In the place of the second process."""
    monkeypatch.setattr(_Fake, "made", [])
    monkeypatch.setattr(second_process, "Prefetcher", _Fake)
    return _Fake


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives of a folder count as small, on a machine with a core to spare."""
    monkeypatch.setattr(second_process, "_is_small", lambda _: True)
    monkeypatch.setattr(second_process, "default_threads", lambda: 2)


@pytest.mark.usefixtures("small")
def test_it_is_told_how_far_the_session_is(fake: type[_Fake], over_miniature: Any) -> None:
    """Item by item in their order; it has ended before the first latency and at the end."""
    over_miniature(*_VARIANTS)
    (one,) = fake.made
    assert [each for each in one.told if each != "finish"] == one.items
    latencies = [item for item in one.items if item[0] == "latency"]
    assert one.told.index("finish") == one.told.index(latencies[0]) + 1
    assert one.told[-1] == "finish"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("options", [("--one-process",), ("--collect-only",), ("-k", "holds_what")])
def test_nothing_to_do_for_it(
    options: Sequence[str], fake: type[_Fake], over_miniature: Any
) -> None:
    """Switched off, nothing is run, or a single test."""
    over_miniature("--variant", "float", *options)
    assert fake.made == []


def test_large_and_unknown_archives_are_left_to_one_process(
    fake: type[_Fake], over_miniature: Any
) -> None:
    """Two of them might not fit into memory; of a folder nobody said how large it is."""
    over_miniature(*_VARIANTS, "-k", "holds_what or exporters_ends")
    assert fake.made == []


@pytest.mark.usefixtures("small")
def test_verdict_is_that_of_one_process(session: Any, miniature: MiniatureFiles) -> None:
    """The real one over an empty cache: every product once, in whichever process."""
    result = session.run(
        *("--zoo", miniature.zoo, "--cache-dir", session.path / "cache", *_VARIANTS),
        *("--coco-annotations", miniature.annotations, "--coco-images", miniature.images),
    )
    # A miniature has too little evidence for another verdict.
    assert result.ret == UNKNOWN
    steps = [line for line in session.lines() if line["kind"] == "step"]
    made = [line["step"] for line in steps if not line["cached"]]
    assert {"export", "convert float", "convert raw"} <= set(made)
    products = [step for step in made if step.split()[0] in ("export", "convert", "run", "score")]
    assert len(products) == len(set(products))
