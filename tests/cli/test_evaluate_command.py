"""evaluate prints COCO's figures of one file, with nothing else at hand and no TensorFlow."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles, make_case
from set_writers import write_tfrecords, write_voc, write_yolo
from warm_process import WarmProcess

from validation.cli import main
from validation.coco.dataset import load_dataset

Capture = pytest.CaptureFixture[str]

_WITHOUT_TENSORFLOW = (
    "import sys\n"
    "for name in ('tensorflow', 'tf_keras', 'tf_slim'):\n"
    "    assert name not in sys.modules\n"
    "    sys.modules[name] = None\n"
    "from validation.cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


@pytest.fixture
def tflite(miniature: MiniatureFiles) -> Path:
    """The miniature's float file."""
    return make_case(miniature).build.tflite("float")


@pytest.fixture
def images(miniature: MiniatureFiles) -> list[str]:
    """The flags for its labelled images."""
    return [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]


def _ap(out: str) -> float:
    found = re.search(r"^  AP +(\d\.\d{3}) ", out, re.MULTILINE)
    assert found is not None, out
    return float(found[1])


def test_table(tflite: Path, images: list[str], capsys: Capture) -> None:
    """Twelve figures by name, and what they were taken on."""
    assert main(["evaluate", str(tflite), *images]) == 0
    out, err = capsys.readouterr()
    assert _ap(out) > 0.5
    assert len(re.findall(r"^  A[PR]", out, re.MULTILINE)) == 12
    assert out.startswith(f"{tflite.name} on ")
    assert "pixels become [-1, 1]" in err


def test_no_tensorflow_on_the_way(
    tflite: Path, images: list[str], light_process: WarmProcess
) -> None:
    """The command works where TensorFlow cannot be imported, and tells what it does first."""
    command = ["python", "-c", _WITHOUT_TENSORFLOW, "evaluate", str(tflite), *images]
    ended = light_process.run(command)
    err = ended.err.decode()
    assert ended.code == 0, err
    assert _ap(ended.out.decode()) > 0.5
    assert err.startswith(f"validation: {tflite.name}: 48x64")
    # A bar is for a terminal.
    assert not re.search(r"\d+/\d+ \[", err)


def test_inference_graph_scores_as_its_tflite(
    miniature: MiniatureFiles, tflite: Path, images: list[str], capsys: Capture
) -> None:
    """frozen_inference_graph.pb is taken as well; the labels are the file's to name."""
    graph = miniature.archive / "frozen_inference_graph.pb"
    assert main(["evaluate", str(graph), *images, "--json"]) == 0
    own = json.loads(capsys.readouterr().out)
    assert main(["evaluate", str(tflite), *images, "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert own["figures"]["ap"] == pytest.approx(other["figures"]["ap"], abs=1e-3)
    assert own["images"] == other["images"] > 1


def test_categories_that_no_model_knows_are_not_scored(
    miniature: MiniatureFiles, tflite: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A data set may label more than the model was trained on, whichever file is scored."""
    table = json.loads(miniature.annotations.read_text())
    strange = max(each["id"] for each in table["categories"]) + 1
    table["categories"].append({"id": strange, "name": "stranger"})
    first = table["annotations"][0]
    table["annotations"].append({**first, "id": 9999, "category_id": strange})
    annotations = tmp_path / "more.json"
    annotations.write_text(json.dumps(table))
    flags = [f"--coco-annotations={annotations}", f"--coco-images={miniature.images}", "--json"]
    for model in (tflite, miniature.archive / "frozen_inference_graph.pb"):
        assert main(["evaluate", str(model), *flags]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert sorted(facts["per_category"]) == ["disc", "square"]
        assert facts["objects"] == len(table["annotations"]) - 1


@pytest.mark.parametrize("kind", ["TFRecord", "Pascal VOC", "YOLO"])
def test_other_kinds_of_data_sets_give_the_same_ap(
    miniature: MiniatureFiles,
    tflite: Path,
    images: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    kind: str,
) -> None:
    """One flag, since the set has its images; what was recognised is said."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    dataset = load_dataset(miniature.annotations, miniature.images)
    named = tmp_path / "set"
    if kind == "TFRecord":
        write_tfrecords(dataset, str(named))
    elif kind == "Pascal VOC":
        write_voc(dataset, named)
    else:
        write_yolo(dataset, named)
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{name}\n" for _, name in sorted(dataset.categories.items())))
    flags = [str(tflite), "--label_map", str(labels), "--json"]
    assert main(["evaluate", *flags, *images]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert main(["evaluate", *flags, "--annotations", str(named)]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["data_set_kind"] == kind
    assert found["figures"]["ap"] == pytest.approx(expected["figures"]["ap"], abs=0.02)
    assert found["objects"] == expected["objects"]
    assert f"validation: {kind} (" in err


def test_per_category_and_results_file(
    tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """AP of each category, and the detections as COCO's results are stored."""
    results = tmp_path / "results.json"
    arguments = ["--per_category", f"--results_file={results}"]
    assert main(["evaluate", str(tflite), *images, *arguments]) == 0
    out = capsys.readouterr().out
    entries = json.loads(results.read_text())
    assert set(entries[0]) == {"image_id", "category_id", "bbox", "score"}
    counted = re.search(r"(\d+) detections", out)
    assert counted is not None
    assert len(entries) == int(counted[1])
    assert len(out.splitlines()) > 13


def test_raw_file_and_its_export(
    miniature: MiniatureFiles, images: list[str], capsys: Capture
) -> None:
    """--export_directory gives a raw file its anchors; without, the flag is named."""
    build = make_case(miniature).build
    raw = str(build.tflite("raw"))
    export = build.exported(add_postprocessing_op=False).graph.parent
    assert main(["evaluate", raw, *images, f"--export_directory={export}"]) == 0
    assert _ap(capsys.readouterr().out) > 0.5
    assert main(["evaluate", raw, *images]) == 1
    assert "--export_directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "flags", "code", "said"),
    [
        ("none.tflite", [], 1, "no such file"),
        ("", [], 1, "this is a folder"),
        (__file__, [], 1, "this is text of an unknown kind"),
        (None, ["--label_map=none.txt"], 1, "no such label map"),
        (None, ["--input_stats=5"], 2, "neither 'guide' nor a mean"),
        (None, ["--coco-annotations=none.json"], 1, "the annotation file is not there"),
    ],
)
def test_what_cannot_be_used(
    tflite: Path,
    images: list[str],
    capsys: Capture,
    model: str | None,
    flags: list[str],
    code: int,
    said: str,
) -> None:
    """One line that names what is wrong."""
    try:
        found = main(["evaluate", str(tflite) if model is None else model, *images, *flags])
    except SystemExit as error:
        found = int(str(error.code))
    assert found == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_graph_that_is_no_inference_graph(
    miniature: MiniatureFiles, images: list[str], capsys: Capture
) -> None:
    """An exported graph cannot be run in TensorFlow; the message names the way around."""
    graph = make_case(miniature).build.exported().graph
    assert main(["evaluate", str(graph), *images]) == 1
    assert "run as the .tflite that convert makes of it" in capsys.readouterr().err


def test_how_classes_were_joined_is_told(
    tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """By number without names; by name with them, and what finds no category is named."""
    assert main(["evaluate", str(tflite), *images, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["classes"]
    assert (found["by"], found["class_names_known"]) == ("number", False)
    assert "by number, because the model's class names are unknown" in found["text"][0]
    annotations = json.loads(Path(images[0].partition("=")[2]).read_text())
    names = [entry["name"] for entry in annotations["categories"]]
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["unicorn", *names[1:]]) + "\n")
    assert main(["evaluate", str(tflite), *images, f"--label_map={labels}"]) == 0
    out = capsys.readouterr().out
    assert "joined to categories by name" in out
    assert "no category for 1 class, which is not scored: 1 unicorn" in out


def test_corners_are_refused_and_converted_when_asked(
    tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """The figures are then those of the boxes in COCO's layout, and the conversion is told."""
    assert main(["evaluate", str(tflite), *images]) == 0
    expected = _ap(capsys.readouterr().out)
    table = json.loads(Path(images[0].partition("=")[2]).read_text())
    for entry in table["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x, y, x + width, y + height]
    corners = tmp_path / "corners.json"
    corners.write_text(json.dumps(table))
    command = ["evaluate", str(tflite), f"--coco-annotations={corners}", images[1]]
    assert main(command) == 1
    assert "--box-format=xyxy" in capsys.readouterr().err
    assert main([*command, "--box-format=xyxy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["ap"] == pytest.approx(expected, abs=5e-4)
    (notice,) = (each for each in found["notices"] if each["kind"] != "normalisation_assumed")
    assert notice["kind"] == "box_converted"
    assert notice["count"] == len(table["annotations"])


def test_processes_and_threads_give_the_same(
    tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """The command forks where it may, this process may not: equal figures, equal files."""
    kept = [tmp_path / "threads.json", tmp_path / "processes.json"]
    arguments = ["evaluate", str(tflite), *images, "--json"]
    assert main([*arguments, f"--results_file={kept[0]}"]) == 0
    facts = [json.loads(capsys.readouterr().out)]
    command = [sys.executable, "-m", "validation", *arguments, f"--results_file={kept[1]}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    facts.append(json.loads(ended.stdout))
    for each in facts:
        del each["seconds"]
    assert facts[0] == facts[1]
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_image_that_cannot_be_read_is_named_from_a_child_process(
    miniature: MiniatureFiles, tflite: Path, images: list[str], tmp_path: Path
) -> None:
    """Its header is fine, its pixels are cut off: found only when it is decoded."""
    folder = tmp_path / "images"
    shutil.copytree(miniature.images, folder)
    broken = sorted(folder.iterdir())[3]
    broken.write_bytes(broken.read_bytes()[:-40])
    results = tmp_path / "results.json"
    flags = [images[0], f"--coco-images={folder}", f"--results_file={results}"]
    command = [sys.executable, "-m", "validation", "evaluate", str(tflite), *flags]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("error: the image cannot be read")
    assert broken.name in ended.stderr
    # Nothing half-written is left.
    assert not results.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["images"]
