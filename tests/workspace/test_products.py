"""Products are made once, whole or not at all, and found again by what they came from."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation import __version__
from validation.errors import ArtefactError, ConversionError
from validation.files.digest import file_sha256
from validation.record.run import Stage, Step
from validation.workspace.products import ProductCache, code_sha256, installed_version


def _writer(text: str, calls: list[str] | None = None) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        if calls is not None:
            calls.append(text)
        (folder / "product").write_text(text)

    return make


def _work(root: Path) -> tuple[ProductCache, list[Step]]:
    steps: list[Step] = []
    return ProductCache(root, steps.append), steps


def test_product_is_made_and_told(tmp_path: Path) -> None:
    """The folder holds what was made and what it was made from; the step says it was new."""
    work, steps = _work(tmp_path)
    folder = work.product(
        "m", Stage.CONVERT, "convert float, fast", {"b": [2], "a": 1}, _writer("x")
    )
    assert (folder / "product").read_text() == "x"
    assert json.loads((folder / "made_from.json").read_text()) == {"a": 1, "b": [2]}
    assert folder.parent == tmp_path / "convert"
    (step,) = steps
    assert (step.model, step.step, step.cached) == ("m", "convert float, fast", False)
    assert step.seconds > 0


def test_second_session_takes_what_is_there(tmp_path: Path) -> None:
    """Another process's product is found by its content; nothing is made."""
    calls: list[str] = []
    first = _work(tmp_path)[0].product("m", Stage.EXPORT, "export", {"a": 1}, _writer("x", calls))
    work, steps = _work(tmp_path)
    again = work.product("m", Stage.EXPORT, "export", {"a": 1}, _writer("y", calls))
    assert again == first
    assert (again / "product").read_text() == "x"
    assert calls == ["x"]
    assert [step.cached for step in steps] == [True]


def test_step_is_told_once_a_session(tmp_path: Path) -> None:
    """Whoever asks again in the same session adds no line to the list of steps."""
    work, steps = _work(tmp_path)
    places = {work.product("m", Stage.EXPORT, "export", {"a": 1}, _writer("x")) for _ in range(3)}
    assert len(places) == len(steps) == 1


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=3), st.data())
@settings(max_examples=25, deadline=None)
def test_place_depends_on_content_alone(
    tmp_path_factory: pytest.TempPathFactory, made_from: dict[str, object], data: st.DataObject
) -> None:
    """The order of keys plays no part; any other difference is another product."""
    work, _ = _work(tmp_path_factory.mktemp("work"))
    shuffled = dict(data.draw(st.permutations(list(made_from.items()))))
    place = work.product("m", Stage.EXPORT, "export", made_from, _writer("x"))
    assert work.product("m", Stage.EXPORT, "export", shuffled, _writer("y")) == place
    assert (
        work.product("m", Stage.EXPORT, "export", {**made_from, "more": 1}, _writer("y")) != place
    )
    assert work.product("m", Stage.DESCRIBE, "describe", made_from, _writer("y")) != place


class _Burst(Exception):
    """Not one of ours."""


@pytest.mark.parametrize("error", [_Burst("x"), KeyboardInterrupt()])
def test_nothing_is_kept_of_a_failure(tmp_path: Path, error: BaseException) -> None:
    """Half a product is no product: the next run makes it anew."""

    def make(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise error

    work, steps = _work(tmp_path)
    with pytest.raises(type(error)):
        work.product("m", Stage.EXPORT, "export", {}, make)
    assert [path for path in (tmp_path / "export").iterdir() if path.is_dir()] == []
    assert steps == []
    folder = work.product("m", Stage.EXPORT, "export", {}, _writer("whole"))
    assert [path.name for path in sorted(folder.iterdir())] == [
        "made_from.json",
        "manifest.txt",
        "product",
    ]


def test_a_refusal_is_not_tried_again(tmp_path: Path) -> None:
    """What eight tests ask for is refused once in a session, and told eight times."""
    calls: list[int] = []

    def make(_: Path) -> None:
        calls.append(1)
        raise ConversionError("the converter refused the graph")

    work, _ = _work(tmp_path)
    traces: list[int] = []
    for _ in range(4):
        with pytest.raises(ConversionError, match="refused the graph") as caught:
            work.product("m", Stage.CONVERT, "convert", {}, make)
        traces.append(len(caught.traceback))
    assert len(calls) == 1
    # Told again, its trace does not grow.
    assert len(set(traces[1:])) == 1
    with pytest.raises(ConversionError, match="refused the graph"):
        _work(tmp_path)[0].product("m", Stage.CONVERT, "convert", {}, make)
    assert len(calls) == 2


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in the way is one clear error with the option to use."""
    (tmp_path / "file").touch()
    work, _ = _work(tmp_path / "file" / "work")
    with pytest.raises(
        ArtefactError, match=r"work folder cannot be written \(.*work.*\): got Not a .*--cache-dir"
    ):
        work.product("m", Stage.EXPORT, "export", {}, _writer("x"))


def test_disk_that_fills_up(tmp_path: Path) -> None:
    """An error of the system while the product is written names the file."""

    def make(folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder / "big"))

    work, _ = _work(tmp_path)
    with pytest.raises(ArtefactError, match=r"big\): got No space left on device"):
        work.product("m", Stage.EXPORT, "export", {}, make)


def _slowly(folder: Path) -> None:
    with (folder.parent / "calls").open("a") as calls:
        calls.write("x")
    time.sleep(0.2)
    (folder / "product").write_text("x")


def test_threads_make_a_product_once(tmp_path: Path) -> None:
    """The second asker waits and takes the first one's."""
    places: list[Path] = []

    def ask() -> None:
        places.append(_work(tmp_path)[0].product("m", Stage.EXPORT, "export", {}, _slowly))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 4
    assert len(set(places)) == 1
    assert (tmp_path / "export" / "calls").read_text() == "x"


_ASK = """
import sys, time
from pathlib import Path
from validation.record.run import Stage
from validation.workspace.products import ProductCache

def slowly(folder):
    with (folder.parent / "calls").open("a") as calls:
        calls.write("x")
    time.sleep(0.5)
    (folder / "product").write_text("x")

root = Path(sys.argv[1])
(root / f"ready-{sys.argv[2]}").touch()
while len(list(root.glob("ready-*"))) < 2:
    time.sleep(0.01)
cache = ProductCache(root, lambda step: print(step.cached))
cache.product("m", Stage.EXPORT, "export", {}, slowly)
"""


def test_processes_make_a_product_once(tmp_path: Path) -> None:
    """Workers of pytest-xdist share one cache."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _ASK, str(tmp_path), name], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    told = sorted(worker.communicate(timeout=60)[0].strip() for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0]
    assert told == ["False", "True"]
    assert (tmp_path / "export" / "calls").read_text() == "x"


def test_hash_of_a_file(tmp_path: Path) -> None:
    """It is the sha256 that everybody else computes."""
    (tmp_path / "f").write_bytes(b"abc" * 1000)
    assert file_sha256(tmp_path / "f") == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_hash_of_code_depends_on_the_rooms() -> None:
    """Other rooms are other code, and the same rooms the same."""
    assert code_sha256("export") != code_sha256("convert")
    assert code_sha256("export", "convert") != code_sha256("export")
    assert len(code_sha256("export")) == 64


def test_hash_of_code_sees_an_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more byte in a module, another name for it, or a table more, is other code."""
    monkeypatch.setattr("validation.workspace.products._PACKAGE", tmp_path)
    (tmp_path / "room" / "deep").mkdir(parents=True)
    module = tmp_path / "room" / "deep" / "m.py"
    seen = set()
    for text in ("", "1", "2"):
        module.write_text(text)
        code_sha256.cache_clear()
        seen.add(code_sha256("room"))
    module.rename(module.with_name("n.py"))
    code_sha256.cache_clear()
    seen.add(code_sha256("room"))
    module.with_name("table.toml").write_text("layers = []")
    code_sha256.cache_clear()
    seen.add(code_sha256("room"))
    code_sha256.cache_clear()
    assert len(seen) == 5


def test_versions_are_those_installed() -> None:
    """Read from the package's own files, without importing it."""
    assert installed_version("ssd-tflite-validation") == __version__
    assert installed_version("tensorflow").startswith("2.")


@pytest.mark.parametrize("damage", ["a byte", "gone", "one more", "no manifest", "no folder"])
def test_damaged_product_is_made_again(tmp_path: Path, damage: str) -> None:
    """A session that finds it otherwise than it was made says so, and goes on with a new one."""
    calls: list[str] = []

    def ask() -> tuple[Path, Step]:
        work, steps = _work(tmp_path)
        folder = work.product("m", Stage.EXPORT, "export", {"a": 1}, _writer("text", calls))
        assert work.product("m", Stage.EXPORT, "export", {"a": 1}, _writer("no")) == folder
        (step,) = steps
        return folder, step

    folder, _ = ask()
    name = "product"
    if damage == "a byte":
        (folder / name).write_text("tezt")
    elif damage == "gone":
        (folder / name).unlink()
    elif damage == "one more":
        name = "more"
        (folder / name).touch()
    elif damage == "no manifest":
        name = "manifest.txt"
        (folder / name).write_bytes(b"\xff")
    else:
        shutil.rmtree(folder)
        name = ""
    again, step = ask()
    assert again == folder
    assert (step.cached, step.damaged) == (False, name)
    assert (folder / "product").read_text() == "text"
    assert calls == ["text", "text"]
    assert (ask()[1].cached, ask()[1].damaged) == (True, "")
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]


def test_damaged_product_that_cannot_be_made_again_stays_refused(tmp_path: Path) -> None:
    """The refusal is of its making, not of the damage; what was there is not used either."""
    work, _ = _work(tmp_path)
    folder = work.product("m", Stage.EXPORT, "export", {}, _writer("x"))
    (folder / "product").write_text("y")

    def refuse(_: Path) -> None:
        raise ConversionError("the converter refused the graph")

    with pytest.raises(ConversionError, match="refused the graph"):
        _work(tmp_path)[0].product("m", Stage.EXPORT, "export", {}, refuse)
    again = _work(tmp_path)[0].product("m", Stage.EXPORT, "export", {}, _writer("x"))
    assert (again / "product").read_text() == "x"


def test_leftovers_of_a_killed_session_are_swept_by_one_that_finds_all(tmp_path: Path) -> None:
    """Not only where something is made."""
    work, _ = _work(tmp_path)
    folder = work.product("m", Stage.EXPORT, "export", {}, _writer("x"))
    left = folder.with_name(f".{folder.name}.{'0' * 16}.part")
    left.mkdir()
    assert _work(tmp_path)[0].product("m", Stage.EXPORT, "export", {}, _writer("x")) == folder
    assert not left.exists()


def test_what_another_machine_made_is_copied(tmp_path: Path) -> None:
    """Under the same address, whole; one that was damaged on the way is made here."""
    theirs, _ = _work(tmp_path / "theirs")
    made = theirs.product("m", Stage.CONVERT, "convert", {"a": 1}, _writer("x"))
    calls: list[str] = []
    steps: list[Step] = []

    def taken(root: Path) -> str:
        work = ProductCache(root, steps.append, [tmp_path / "none", tmp_path / "theirs"])
        folder = work.product("m", Stage.CONVERT, "convert", {"a": 1}, _writer("y", calls))
        assert folder.name == made.name
        return (folder / "product").read_text()

    assert (taken(tmp_path / "own"), calls, steps[-1].cached) == ("x", [], True)
    (made / "product").write_text("z")
    assert taken(tmp_path / "own") == "x"
    assert (taken(tmp_path / "other"), calls, steps[-1].cached) == ("y", ["y"], False)
