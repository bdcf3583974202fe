"""compare tells two files apart, and two runs; report makes pages anew."""

from __future__ import annotations

import dataclasses
import json
import shutil
import urllib.parse
from contextlib import closing
from pathlib import Path

import pytest
from kind_samples import META_GRAPH
from miniature_cases import MiniatureFiles, make_case
from protobuf_wire import field
from run_pages import Page

from validation.cli import main
from validation.policy.limits import Limit
from validation.record.run import Footer, Header
from validation.record.store import RecordWriter
from validation.record.types import CheckResult, Measure, ModelKey
from validation.workspace.model_build import GUIDE_DEFAULT

Capture = pytest.CaptureFixture[str]

_KEY = ModelKey("a", "float")
_HEADER = Header("night-1", "now", (_KEY,), {}, {"tensorflow": "2.21.0"}, {}, "0" * 64)


def _run(folder: Path, value: float, header: Header = _HEADER) -> Path:
    limit = Limit("max", 1.0, "why")
    with closing(RecordWriter(folder).open()) as writer:
        writer.write(header)
        measures = (Measure("value", value, limit),)
        writer.write(CheckResult.judged("raw_parity", _KEY, measures))
        writer.close(Footer("later", 1.0, writer.results, 0))
    return folder


def _saved_model(folder: Path) -> Path:
    (folder / "saved_model.pb").write_bytes(field(1, 1) + field(2, META_GRAPH))
    return folder


def test_runs_that_agree(tmp_path: Path, capsys: Capture) -> None:
    """Nothing moved: exit code 0."""
    first, second = _run(tmp_path / "a", 0.1), _run(tmp_path / "b", 0.2)
    assert main(["compare", str(first), str(second / "record.jsonl")]) == 0
    assert "0 changes, 0 for the worse" in capsys.readouterr().out


def test_worse_run(tmp_path: Path, capsys: Capture) -> None:
    """What failed comes under `worse`, circumstances before it, and the exit code is 1."""
    first = _run(tmp_path / "a", 0.1)
    header = dataclasses.replace(_HEADER, run="night-2", versions={"tensorflow": "2.22.0"})
    second = _run(tmp_path / "b", 5.0, header)
    assert main(["compare", str(first), str(second)]) == 1
    out = capsys.readouterr().out
    assert out.index("version tensorflow: 2.21.0 -> 2.22.0") < out.index("worse:")
    assert "a-float: raw_parity: pass -> fail" in out
    assert main(["compare", str(second), str(first), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    outcomes = {change["what"]: change["outcome"] for change in printed["changes"]}
    # Without the other checks the verdict is UNKNOWN, which is no gain.
    assert outcomes == {"raw_parity": "better", "verdict": "changed"}


def test_page_of_two_runs(tmp_path: Path, capsys: Capture) -> None:
    """Both runs with their verdicts, what differs before and after, and links to their pages."""
    first = _run(tmp_path / "a", 0.1)
    header = dataclasses.replace(_HEADER, run="night-2", versions={"tensorflow": "2.22.0"})
    second = _run(tmp_path / "b: it's", 5.0, header)
    assert main(["report", str(second)]) == 0
    target = tmp_path / "pages" / "difference.html"
    target.parent.mkdir()
    assert main(["compare", str(first), str(second), "--html", str(target)]) == 1
    assert "a-float: raw_parity: pass -> fail" in capsys.readouterr().out
    page = Page(target.read_text())
    for text in (
        "Before: night-1",
        "After: night-2",
        "FAIL",
        "version tensorflow 2.21.0 2.22.0",
        "raw_parity a-float PASS FAIL value is 5",
    ):
        assert text in page.text
    links = [link for link in page.values("href") if link]
    assert links
    # The first run has no pages.
    assert all(link.startswith("../b%3A%20it%27s/") for link in links)
    assert any(link.endswith("/model-a.html#float") for link in links)
    for link in links:
        assert (target.parent / urllib.parse.unquote(link.partition("#")[0])).is_file()


def test_page_that_cannot_be_written(tmp_path: Path, capsys: Capture) -> None:
    """An error before anything is compared."""
    first, second = _run(tmp_path / "a", 0.1), _run(tmp_path / "b", 0.1)
    target = first / "record.jsonl" / "page.html"
    assert main(["compare", str(first), str(second), f"--html={target}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the file cannot be written" in err


def test_page_of_two_files(miniature: MiniatureFiles, tmp_path: Path, capsys: Capture) -> None:
    """What the files hold otherwise, what both detect, and the command that says where."""
    build = make_case(miniature).build
    paths = [str(build.tflite("float")), str(build.tflite("float", GUIDE_DEFAULT))]
    target = tmp_path / "files.html"
    words = ["compare", *paths, f"--images={miniature.images}", f"--html={target}"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    page = Page(target.read_text())
    assert "max_detections 20 10" in page.text
    assert "use_regular_nms True False" in page.text
    assert f"page: {target}" in err
    lines = [line for line in out.splitlines() if line.startswith(("detections of", "worst IoU"))]
    assert lines
    assert all(line in page.text for line in lines)
    assert "python -m validation explain" in page.text


def test_files_of_one_detector(miniature: MiniatureFiles, capsys: Capture) -> None:
    """Other flags of the exporter are seen in the files, and what they cost on the images."""
    build = make_case(miniature).build
    paths = [str(build.tflite("float")), str(build.tflite("float", GUIDE_DEFAULT))]
    assert main(["compare", *paths, f"--images={miniature.images}", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    words = {each["what"]: (each["first"], each["second"]) for each in printed["files"]}
    assert words["max_detections"] == ("20", "10")
    assert words["use_regular_nms"] == ("True", "False")
    assert printed["detections"]["pairs"] > 0
    assert printed["detections"]["worst_iou"] > 0.99


def test_copies_do_not_differ(miniature: MiniatureFiles, tmp_path: Path, capsys: Capture) -> None:
    """Said in so many words; the package's own images serve where none are named."""
    path = make_case(miniature).build.tflite("float")
    copy = shutil.copy(path, tmp_path / "copy.tflite")
    assert main(["compare", str(path), str(copy)]) == 0
    out, err = capsys.readouterr()
    assert "the files hold the same" in out
    assert "0 by the first alone, 0 by the second alone" in out
    assert "4 photographs and 16 drawn scenes" in err


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda folder, tflite: (_run(folder, 0.1), tflite), 2, "expected two runs, or two model"),
        (lambda folder, tflite: (folder, tflite), 1, "this is a folder"),
        (
            lambda folder, tflite: (tflite, _saved_model(folder)),
            1,
            "this is a TensorFlow SavedModel",
        ),
        (lambda folder, tflite: (folder / "x.tflite", tflite), 1, "no such file"),
        (lambda folder, _: (folder, folder), 1, "the folder of one run"),
    ],
)
def test_what_cannot_be_compared(
    miniature: MiniatureFiles, tmp_path: Path, capsys: Capture, make, code: int, said: str
) -> None:
    """A run and a model, a file that is not there, a folder without a record."""
    tflite = make_case(miniature).build.tflite("float")
    first, second = make(tmp_path, tflite)
    assert main(["compare", str(first), str(second)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_folder_without_images(miniature: MiniatureFiles, tmp_path: Path, capsys: Capture) -> None:
    """No image is a wrong use, not an agreement."""
    path = str(make_case(miniature).build.tflite("float"))
    assert main(["compare", path, path, f"--images={tmp_path}"]) == 2
    assert "no images to compare on" in capsys.readouterr().err


def test_report_again(tmp_path: Path, capsys: Capture) -> None:
    """The pages are made from the record alone; the verdict and the first page are printed."""
    folder = _run(tmp_path / "run", 5.0)
    assert main(["report", str(folder)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == ["verdict: FAIL", str(folder / "index.html")]
    assert (folder / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["report", str(folder / "record.jsonl")]) == 0


@pytest.mark.parametrize(("name", "code"), [("none", 2), ("", 1)])
def test_report_of_nothing(tmp_path: Path, capsys: Capture, name: str, code: int) -> None:
    """A path that is no record, and a folder without one."""
    assert main(["report", str(tmp_path / name)]) == code
    assert "record" in capsys.readouterr().err
