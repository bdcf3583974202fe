"""Files that were made elsewhere, through whole sessions: with archives, and by a reference."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import strangers
from miniature_cases import RAW_TENSORS, make_case
from session_results import verdict

from validation.record.lines import from_line
from validation.record.types import CheckResult
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
            # Of so little a second process makes nothing sooner, and costs more than the checks.
            "--coco-images", miniature.images, "--one-process", *arguments,
        )  # fmt: skip
        return result

    return run


def _verdict(result: pytest.RunResult) -> str:
    return verdict(result).split()[0]


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
        "accuracy", "plausibility", "operating_point", "latency",
    }  # fmt: skip
    (given,) = _header(session)["given"]
    assert (given["file"], given["variant"]) == ("detect.tflite", "float")
    assert given["reference"] == ReferenceKind.GRAPH
    kept = {path.name for path in session.reports.glob("*/files/*")}
    assert any(name.endswith("~detect.tflite") for name in kept)

    # The page says how to judge it again, by the files and options that were given.
    (page,) = session.reports.glob("*/model-*.html")
    found_code = re.findall("<code>(.*?)</code>", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [html.unescape(re.sub("</?span>", "", each)) for each in found_code]
    (again,) = [each for each in lines if each.startswith("validation judge ")]
    words = shlex.split(again)
    assert words[2:4] == [str(made), str(graph)]
    assert f"--policy={_LITTLE_EVIDENCE}" in words
    assert [word.partition("=")[0] for word in words[4:]] == [
        "--coco-annotations", "--coco-images", "--policy",
    ]  # fmt: skip


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
    """Another .tflite gives all that a graph gives, once it is known what the two are fed."""
    twin = Path(shutil.copy(made, tmp_path / "last_release.tflite"))
    stated = "--label-map", _labels(tmp_path), "--input-stats", "127.5/127.5"
    assert _verdict(judge(made, twin, *stated)) == "PASS"
    assert _statuses(session)["raw_parity"] == "pass"


def test_by_another_file_that_does_not_state_its_feed(
    judge: Judge, session: Any, made: Path, tmp_path: Path
) -> None:
    """Both may be fed wrongly alike."""
    twin = Path(shutil.copy(made, tmp_path / "last_release.tflite"))
    assert _verdict(judge(made, twin, "--label-map", _labels(tmp_path))) == "WARN"
    assert _measured(session, "reference_assumed") == ("warn", 1)
    assert _statuses(session)["end_to_end_parity"] == "pass"


def test_by_a_packed_archive_of_tensorflow_2(
    judge: Judge, session: Any, made: Path, graph: Path, tmp_path: Path
) -> None:
    """It is unpacked, and the SavedModel in it gives detections and what enters its NMS."""
    from saved_models import write_tf2

    from validation.export.graph_io import read_graph

    folder = tmp_path / "ssd_tf2"
    write_tf2(folder / "saved_model", read_graph(graph), raw=RAW_TENSORS)
    (folder / "pipeline.config").write_text("model { ssd { num_classes: 2 } }")
    archive = tmp_path / "ssd_tf2.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "ssd_tf2")
    shutil.rmtree(folder)
    assert _verdict(judge(made, archive, "--label-map", _labels(tmp_path))) == "PASS"
    found = _statuses(session)
    assert found["raw_parity"] == found["end_to_end_parity"] == "pass"
    header = _header(session)
    assert header["given"][0]["reference"] == ReferenceKind.SAVED_MODEL
    assert header["options"]["reference"] == archive.name


def test_in_a_packed_archive(
    session: Any, miniature: MiniatureFiles, made: Path, tmp_path: Path
) -> None:
    """It is found, and that archives are read for it is said before."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    with tarfile.open(zoo / "ssd_packed.tar.gz", "w:gz") as tar:
        tar.add(miniature.archive, "ssd_packed")
        tar.add(made, "ssd_packed/detect.tflite")
    result = session.run("--zoo", zoo, "--cache-dir", tmp_path / "cache", "--collect-only")
    assert any("reading 1 packed archive for .tflite files" in each for each in result.outlines)
    assert any("[ssd_packed-detect.tflite]" in each for each in result.outlines), result.outlines


_NAMED = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")


@pytest.mark.parametrize(
    ("names", "verdict"),
    [({"metadata": True}, "PASS"), ({"signature": _NAMED}, "PASS"), ({"signature": True}, "FAIL")],
)
def test_outputs_as_tensorflow_2_leaves_them(
    judge: Judge, session: Any, made: Path, graph: Path, names: dict[str, Any], verdict: str
) -> None:
    """Renamed and in another order: right where the file says which is which, else a fault."""
    strangers.tf2_style(made, made, **names)
    assert _verdict(judge(made, graph)) == verdict, session.checks()
    found = {check for check, status in _statuses(session).items() if status == "fail"}
    assert found == (set() if verdict == "PASS" else {"reference_contract"})


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
    said = session.explanation("evidence", "float")
    assert f"{len(results)} of {len(results)} results used" in said
    # Nothing states the feed, and a float file that is fed otherwise is not in parity.
    assert _measured(session, "feed_assumed") == ("pass", 0)
    shutil.rmtree(session.reports)
    judge(made, log, "--label-map", _labels(tmp_path), "--input-stats", "128/127")
    assert _statuses(session)["end_to_end_parity"] == "fail"


def test_by_doubtful_detections(
    judge: Judge, session: Any, miniature: MiniatureFiles, made: Path, tmp_path: Path
) -> None:
    """A log of the labels themselves, called by each other's categories: its own finding."""
    truth = json.loads(miniature.annotations.read_text())
    turned = dict(zip(*[[each["id"] for each in truth["categories"]][::way] for way in (1, -1)],
                      strict=True))  # fmt: skip
    log = tmp_path / "phone.json"
    log.write_text(
        json.dumps(
            [
                {"image_id": each["image_id"], "category_id": turned[each["category_id"]],
                 "bbox": each["bbox"], "score": 0.9}
                for each in truth["annotations"]
            ]
        )
    )  # fmt: skip
    judge(made, log, "--label-map", _labels(tmp_path))
    assert _measured(session, "results_in_class_share")[0] == "warn"
    assert _measured(session, "results_meet_objects_share") == ("pass", 1)
    assert "called by their category" in session.explanation("evidence", "float")
    assert "called by their category" in session.page()


def test_without_labels(session: Any, miniature: MiniatureFiles, made: Path, graph: Path) -> None:
    """Parity is judged, accuracy is not known, and nothing is signed."""
    result = session.run("--candidate", made, "--reference", graph, "--cache-dir", miniature.cache)
    assert result.ret == UNKNOWN
    assert _statuses(session)["end_to_end_parity"] == "pass"


@pytest.mark.parametrize("as_a_folder", [False, True])
def test_by_itself(session: Any, made: Path, as_a_folder: bool) -> None:
    """Whatever it is called, or as the only file of a folder: it agrees with itself always."""
    result = session.run("--candidate", made, "--reference", made.parent if as_a_folder else made)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("judged by itself" in line for line in result.errlines), result.errlines


def test_labels_are_no_reference(session: Any, miniature: MiniatureFiles, made: Path) -> None:
    """Typed where the reference goes they are refused, with where they belong."""
    result = session.run("--candidate", made, "--reference", miniature.annotations)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("labels go with --coco-annotations" in line for line in result.errlines)


def test_wrong_use(session: Any, miniature: MiniatureFiles, made: Path, tmp_path: Path) -> None:
    """No file, no detector, two kinds of reference: one line each, before anything is run."""
    raw = strangers.two_outputs(made, tmp_path / "raw.tflite")
    for arguments, said in (
        (("--reference", "none"), "nothing to judge by it"),
        (("--candidate", made, "--reference", "none", "--zoo", miniature.zoo), "archives and a"),
        (("--candidate", tmp_path / "gone.tflite", "--reference", "none"), "no such file"),
        (("--candidate", _labels(tmp_path), "--reference", "none"), "list of names"),
        (("--candidate", raw, "--reference", "none"), "its anchors are not in it"),
        (("--candidate", f"{made},{made}", "--reference", "none"), "named twice"),
    ):
        result = session.run(*arguments, "--cache-dir", miniature.cache)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert any(said in line for line in result.errlines), (said, result.errlines)


def test_a_feed_that_is_assumed_is_no_pass(
    judge: Judge, session: Any, made: Path, tmp_path: Path
) -> None:
    """Without metadata, a reference or a flag nothing says what pixels become."""
    assert _verdict(judge(made, "none", "--label-map", _labels(tmp_path))) == "WARN"
    assert _measured(session, "feed_assumed") == ("warn", 1)
    assert "how pixels are normalised is not stated" in session.explanation("evidence", "float")


def test_a_feed_that_the_reference_states_is_none(
    judge: Judge, session: Any, made: Path, graph: Path
) -> None:
    """The file is fed what it wants, and what lies beside the file says where that comes from."""
    assert _verdict(judge(made, graph)) == "PASS"
    assert _measured(session, "feed_assumed") == ("pass", 0)
    (facts,) = session.reports.glob("*/files/*.tflite.json")
    source = json.loads(facts.read_text())["preprocessing"]["source"]
    assert source == "not stated in the file; as the reference wants it"


def test_a_feed_that_the_user_states(
    judge: Judge, session: Any, made: Path, tmp_path: Path
) -> None:
    """Is used, recorded as theirs, and shown on the page; both of two files are fed by it."""
    labels, twin = _labels(tmp_path), Path(shutil.copy(made, tmp_path / "last_release.tflite"))
    judge(made, twin, "--label-map", labels, "--input-stats", "127.5/127.5", "--feed", "bytes")
    assert not list(session.reports.glob("*"))  # pixels as they are have no mean and std
    result = judge(made, twin, "--label-map", labels, "--input-stats", "0/255")
    assert _measured(session, "feed_assumed") == ("pass", 0)
    assert _measured(session, "reference_assumed") == ("pass", 0)
    (given,) = _header(session)["given"]
    assert given["stated_feed"] == {"way": None, "stats": {"mean": 0, "std": 255}}
    assert "fed as the user states: pixels normalised by 0/255" in session.page()
    (facts,) = session.reports.glob("*/files/*.tflite.json")
    assert json.loads(facts.read_text())["preprocessing"]["source"] == "0/255 as stated"
    # Equal files, fed alike, agree on whatever they see.
    assert _statuses(session)["end_to_end_parity"] == "pass", result.outlines


def test_a_feed_without_a_given_file(session: Any, miniature: MiniatureFiles) -> None:
    """Variants are fed by their graph: the flag would do nothing."""
    result = session.run(
        "--zoo", miniature.zoo, "--feed", "bytes", "--cache-dir", miniature.cache
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("there is no given file" in line for line in result.errlines)


def _measured(session: Any, name: str) -> tuple[str, float]:
    """Whether the limit of a measure of `evidence` is kept, and its value."""
    entry = from_line(session.checks()["evidence", "float"])
    assert isinstance(entry, CheckResult)
    (found,) = (each for each in entry.measures if each.name == name)
    return found.status.value, found.value


def _labels(folder: Path) -> Path:
    path = folder / "labels.txt"
    path.write_text("square\ndisc\n")
    return path


def test_names_reach_the_terminal_as_escapes(
    judge: Judge, made: Path, graph: Path, tmp_path: Path
) -> None:
    """A file whose name clears the screen, in a session that fails and says why."""
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
