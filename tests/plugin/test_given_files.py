"""Files that were made elsewhere, through whole sessions: with archives, and by a reference."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import strangers
from miniature_cases import make_case

from validation.signoff.exit_codes import UNKNOWN
from validation.specs.references import ReferenceKind

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_LITTLE_EVIDENCE = Path(__file__).parents[1] / "support" / "little_evidence.toml"
Judge = Callable[..., pytest.RunResult]


@pytest.fixture
def made(miniature: MiniatureFiles, tmp_path: Path) -> Path:
    """The product's own float file, under a stranger's name."""
    return Path(shutil.copy(make_case(miniature).build.tflite("float"), tmp_path / "detect.tflite"))


@pytest.fixture
def graph(miniature: MiniatureFiles) -> Path:
    """What the miniature was frozen to."""
    return make_case(miniature).build.reference_graph


@pytest.fixture
def judge(session: Any, miniature: MiniatureFiles) -> Judge:
    """A session of one given file, on the miniature's labelled images."""

    def run(file: Path, reference: object, *arguments: object) -> pytest.RunResult:
        result: pytest.RunResult = session.run(
            "--candidate", file, "--reference", reference, f"--policy={_LITTLE_EVIDENCE}",
            "--cache-dir", miniature.cache, "--coco-annotations", miniature.annotations,
            "--coco-images", miniature.images, *arguments,
        )  # fmt: skip
        return result

    return run


def _verdict(result: pytest.RunResult) -> str:
    (line,) = [line for line in result.outlines if line.startswith("verdict: ")]
    return line.removeprefix("verdict: ").split()[0]


def _statuses(session: Any) -> dict[str, str]:
    return {check: line["status"] for (check, _), line in session.checks().items()}


def _header(session: Any) -> dict[str, Any]:
    header: dict[str, Any] = session.lines()[0]
    return header


def test_own_file_given_back(judge: Judge, session: Any, made: Path, graph: Path) -> None:
    """By its graph it passes every check that a variant passes, its body among them."""
    result = judge(made, graph)
    assert _verdict(result) == "PASS", session.checks()
    assert result.ret == 0
    found = _statuses(session)
    assert {check for check, status in found.items() if status == "pass"} == {
        "reference_contract", "raw_parity", "postprocess_parity", "end_to_end_parity", "evidence",
        "accuracy", "operating_point", "latency",
    }  # fmt: skip
    (given,) = _header(session)["given"]
    assert (given["file"], given["variant"]) == ("detect.tflite", "float")
    assert given["reference"] == ReferenceKind.GRAPH
    kept = {path.name for path in session.reports.glob("*/files/*")}
    assert any(name.endswith("~detect.tflite") for name in kept)


def test_beside_the_variants_of_its_archive(
    over_miniature: Judge, session: Any, made: Path
) -> None:
    """The given file has the verdict of the variant that it is a copy of."""
    result = over_miniature("--candidate", made, "--variant", "float")
    assert _verdict(result) == "PASS", result.outlines
    keys = {(line["variant"], line["file"]) for line in session.lines() if line["kind"] == "check"}
    assert keys == {("float", ""), ("float", "detect.tflite")}


def test_other_attributes_are_named(
    judge: Judge, session: Any, made: Path, graph: Path, tmp_path: Path
) -> None:
    """Box scales of another coder are called so, and fail."""
    other = strangers.other_scales(made, tmp_path / "scales.tflite")
    assert judge(other, graph).ret == 1
    line = session.checks()["reference_contract", "float"]
    assert line["status"] == "fail"
    assert "box" in line["message"]
    assert "scale" in line["message"]


def test_by_another_file(judge: Judge, session: Any, made: Path, tmp_path: Path) -> None:
    """Another .tflite gives all that a graph gives."""
    twin = Path(shutil.copy(made, tmp_path / "last_release.tflite"))
    assert _verdict(judge(made, twin, "--label-map", _labels(tmp_path))) == "PASS"
    assert _statuses(session)["raw_parity"] == "pass"


def test_by_nothing(judge: Judge, session: Any, made: Path, tmp_path: Path) -> None:
    """Accuracy alone is judged, the verdict says so, and it is no PASS."""
    result = judge(made, "none", "--label-map", _labels(tmp_path))
    assert _verdict(result) == "WARN"
    assert result.ret == 0
    found = _statuses(session)
    assert found["accuracy"] == "pass"
    assert found["end_to_end_parity"] == found["reference_contract"] == "unknown"
    assert "no reference" in session.explanation("end_to_end_parity", "float")


def test_by_detections(
    judge: Judge, session: Any, miniature: MiniatureFiles, made: Path, tmp_path: Path
) -> None:
    """A phone's log of the same model: end to end it agrees; what it cannot say is named."""
    context = make_case(miniature)
    assert context.dataset is not None
    sizes = {str(image.id): (image.width, image.height) for image in context.dataset.images}
    results = [
        {
            "image_id": int(image),
            "category_id": int(number),
            "bbox": [x1 * sizes[image][0], y1 * sizes[image][1],
                     (x2 - x1) * sizes[image][0], (y2 - y1) * sizes[image][1]],
            "score": float(score),
        }
        for image, found in context.subject.detections().items() if image in sizes
        for (y1, x1, y2, x2), score, number in zip(
            found.boxes.tolist(), found.scores, found.classes, strict=True
        )
    ]  # fmt: skip
    log = tmp_path / "phone.json"
    log.write_text(json.dumps(results))
    result = judge(made, log, "--label-map", _labels(tmp_path))
    found = _statuses(session)
    assert found["end_to_end_parity"] == "pass", session.checks()["end_to_end_parity", "float"]
    assert found["raw_parity"] == "unknown"
    assert _verdict(result) in ("PASS", "WARN")


def test_without_labels(session: Any, miniature: MiniatureFiles, made: Path, graph: Path) -> None:
    """Parity is judged, accuracy is not known, and nothing is signed."""
    result = session.run("--candidate", made, "--reference", graph, "--cache-dir", miniature.cache)
    assert result.ret == UNKNOWN
    assert _statuses(session)["end_to_end_parity"] == "pass"


def test_wrong_use(session: Any, miniature: MiniatureFiles, made: Path, tmp_path: Path) -> None:
    """No file, no detector, two kinds of reference: one line each, before anything is run."""
    for arguments, said in (
        (("--reference", "none"), "nothing to judge by it"),
        (("--candidate", made, "--reference", "none", "--zoo", miniature.zoo), "archives and a"),
        (("--candidate", tmp_path / "gone.tflite", "--reference", "none"), "no such file"),
        (("--candidate", _labels(tmp_path), "--reference", "none"), "list of names"),
    ):
        result = session.run(*arguments, "--cache-dir", miniature.cache)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert any(said in line for line in result.errlines), (said, result.errlines)


def _labels(folder: Path) -> Path:
    path = folder / "labels.txt"
    path.write_text("square\ndisc\n")
    return path


def test_names_reach_the_terminal_as_escapes(
    judge: Judge, made: Path, graph: Path, tmp_path: Path
) -> None:
    """A file whose name clears the screen, in a session that fails and tells why."""
    harm = "d\x1b[2J\x1b]0;x\a\x1b[32m.tflite"
    named = tmp_path / harm
    shutil.copy(made, named)
    labels = tmp_path / "l\x1b[2J.txt"
    labels.write_text("square\n\x1b[31mdisc\nring\n")
    result = judge(named, graph, "-v", "-rA", "--label-map", labels)
    assert _verdict(result) == "FAIL"
    text = "".join([*result.outlines, *result.errlines])
    assert "\\x1b[2J" in text
    assert text.replace("\t", "").isprintable()
    missing = judge(tmp_path / f"none{harm}", graph)
    text = "".join([*missing.outlines, *missing.errlines])
    assert "no such file" in text
    assert text.replace("\t", "").isprintable()
