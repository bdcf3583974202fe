"""``validation zoo``: what there is, what is fetched, what is in an archive."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
import small_ssd
from kind_samples import EXPORTED, GRAPH, LFS, node

from validation.cli import main
from validation.cli import zoo as zoo_command
from validation.errors import DownloadFailed
from validation.workspace.groups import named_models
from validation.zoo.catalogue import load_catalogue

# One archive holds both, in sub-folders.
_EDGETPU = ["ssd_mobiledet_edgetpu_coco_fp32", "ssd_mobiledet_edgetpu_coco_uint8"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with the files of an archive that the zoo command looks at."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "pipeline.config").write_text(small_ssd.TEXT)
    (folder / "frozen_inference_graph.pb").write_bytes(GRAPH)
    (folder / "notes.txt").write_text("mine")
    return folder


def _run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    code = main(["zoo", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def _shown(capsys: Capture, cache: Path, archive: object) -> dict:
    code, out, _ = _run(capsys, "show", archive, "--json", "--cache_dir", cache)
    assert code == 0
    return json.loads(out)


def test_list_names_every_group(capsys: Capture, tmp_path: Path) -> None:
    """One row a model under one head; the legend explains each figure."""
    code, out, _ = _run(capsys, "list", "--cache-dir", tmp_path)
    assert code == 0
    table, legend = out.split("\n\n")
    rows = table.splitlines()
    assert rows[0].split() == [
        "name",
        "group",
        "MB",
        "quantised",
        "licence",
        "mAP",
        "latency",
        "ms",
        "here",
    ]
    groups = {row.split()[1] for row in rows[1:]}
    assert groups == {"bundled", "person", "synthetic", "tf1"}
    (row,) = [row for row in rows if row.startswith("ssd_mobilenet_v1_coco ") and " tf1 " in row]
    assert row.split()[2:5] == ["76.5", "no", "Apache-2.0"]
    assert "21[1]" in row
    assert row.endswith("not fetched")
    assert "[1] mAP in percent, COCO 2014 minival" in legend.splitlines()


def test_list_as_json(capsys: Capture, tmp_path: Path) -> None:
    """What is in the cache is listed apart from what is not."""
    code, out, _ = _run(capsys, "list", "--zoo=bundled", "--json", "--cache_dir", tmp_path)
    assert code == 0
    models = json.loads(out)
    assert {model["group"] for model in models} == {"bundled"}
    assert {model["presence"] for model in models} == {"ships with the package"}
    assert all(model["size_bytes"] > 0 for model in models)


def test_list_of_a_folder(capsys: Capture, archive: Path, tmp_path: Path) -> None:
    """--zoo as the suites take it."""
    code, out, _ = _run(capsys, "list", "--zoo", archive.parent, "--cache_dir", tmp_path / "c")
    assert code == 0
    assert out.splitlines()[1].split()[0] == "mine"
    assert out.splitlines()[1].endswith("on this machine")


def test_list_of_nothing(capsys: Capture) -> None:
    """A group that is not there is wrong use, with the closest."""
    code, out, err = _run(capsys, "list", "--zoo", "bundeld")
    assert (code, out) == (2, "")
    assert "did you mean 'bundled'?" in err


def test_fetch_prints_the_unpacked_folders(capsys: Capture, tmp_path: Path) -> None:
    """Names and patterns, each model once; the folder is the one with the model's files."""
    wanted = ["ssd_mobilenet_v1_ppn", "ssd_mobilenet_v1_pp?"]
    code, out, err = _run(capsys, "fetch", *wanted, "--cache_dir", tmp_path, "--offline")
    assert code == 0
    (folder,) = map(Path, out.splitlines())
    assert folder.is_relative_to(tmp_path)
    assert (folder / "frozen_inference_graph.pb").is_file()
    assert err == "validation: fetching ssd_mobilenet_v1_ppn\n"


def test_a_failed_download_does_not_stop_the_others(capsys: Capture, tmp_path: Path) -> None:
    """The others are printed, the failed one is named, and the exit code says so."""
    wanted = ["ssdlite_mobilenet_v2_person", "ssd_mobilenet_v1_ppn"]
    code, out, err = _run(capsys, "fetch", *wanted, "--cache_dir", tmp_path, "--offline")
    assert code == 1
    assert len(out.splitlines()) == 1
    assert "ssdlite_mobilenet_v2_person is not in the cache" in err
    assert err.splitlines()[-1] == "validation: 1 not fetched: ssdlite_mobilenet_v2_person"


def test_fetch_hands_its_flags_on(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cache, lock file and network as they were given."""
    asked = {}

    def obtain(entry, cache, **flags):
        asked.update(flags, name=entry.name, cache=cache)
        raise DownloadFailed("no network")

    monkeypatch.setattr(zoo_command, "obtain", obtain)
    lock = tmp_path / "lock.json"
    flags = ["--cache-dir", tmp_path, "--lock-file", lock]
    code, _, _ = _run(capsys, "fetch", "ssd_mobilenet_v2_coco", *flags)
    assert code == 1
    assert asked == {
        "name": "ssd_mobilenet_v2_coco",
        "cache": tmp_path,
        "offline": False,
        "lock_file": lock,
    }


def test_models_by_the_names_of_their_archives(capsys: Capture, tmp_path: Path) -> None:
    """As the guide has them, with or without .tar.gz; a folder of that name goes before."""
    archive = "ssd_mobilenet_v1_coco_2018_01_28"
    for name in (archive, f"{archive}.tar.gz"):
        assert _shown(capsys, tmp_path, name)["name"] == "ssd_mobilenet_v1_coco"
        assert [entry.name for entry in named_models([name])] == ["ssd_mobilenet_v1_coco"]
        (entry,) = load_catalogue().select("tf1", name)
        assert entry.name == "ssd_mobilenet_v1_coco"
    two = "ssdlite_mobiledet_edgetpu_320x320_coco_2020_05_19"
    assert [entry.name for entry in named_models([two])] == _EDGETPU
    code, _, err = _run(capsys, "show", two, "--cache_dir", tmp_path)
    assert code == 2
    assert all(name in err for name in _EDGETPU)


def test_folder_goes_before_an_archive_of_its_name(
    capsys: Capture, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who has unpacked the archive means what lies there."""
    monkeypatch.chdir(tmp_path)
    archive.rename("ssd_mobilenet_v1_coco_2018_01_28")
    facts = _shown(capsys, tmp_path / "c", "ssd_mobilenet_v1_coco_2018_01_28")
    assert facts["name"] == "ssd_mobilenet_v1_coco_2018_01_28"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ssd_mobilnet_v1", "did you mean 'ssd_mobilenet_v1'?"),
        ("x*y", "no model of the catalogue matches 'x*y'"),
        ("/", "this is a path, not the name of a model (/); python -m validation zoo show"),
        ("faster_rcnn_resnet50_coco", "faster_rcnn_resnet50_coco is a Faster R-CNN"),
        ("mask_rcnn_inception_v2_coco", "is a Mask R-CNN"),
    ],
)
def test_names_that_are_none(capsys: Capture, name: str, said: str) -> None:
    """The closest, or what the model is."""
    code, out, err = _run(capsys, "fetch", name)
    assert (code, out) == (2, "")
    assert said in err


def test_show_of_a_bundled_model(capsys: Capture, tmp_path: Path) -> None:
    """Unpacked into the cache: files, three routes, architecture, labels, next commands."""
    facts = _shown(capsys, tmp_path, "ssd_mobilenet_v1")
    assert [route.split()[-1] for route in facts["routes"]] == [
        "frozen_inference_graph.pb",
        "model.ckpt",
        "model.ckpt",
    ]
    parts = {each["name"].rpartition("/")[2]: each["part"] for each in facts["files"]}
    assert parts["frozen_inference_graph.pb"] == "inference graph"
    assert parts["model.ckpt.index"] == parts["model.ckpt.data-00000-of-00001"] == "checkpoint"
    assert facts["config"]["extractor"] == "ssd_mobilenet_v1"
    assert facts["labels"]["1"] == "red_ball"
    assert "--frozen_graph=" in facts["next_steps"][0]
    assert (
        facts["next_steps"][1] == "python -m validation run --zoo bundled --model ssd_mobilenet_v1"
    )
    code, text, _ = _run(capsys, "show", "ssd_mobilenet_v1", "--cache_dir", tmp_path)
    assert code == 0
    for section in ("Files", "Routes to a .tflite", "Preprocessing", "Labels", "Next"):
        assert f"\n{section}\n" in text
    assert "8 names for 8 classes (the catalogue)" in text


def test_labels_of_an_archive_are_counted(capsys: Capture, archive: Path) -> None:
    """Against the classes of its config; a list that does not fit is named, not shown."""
    labels, cache = archive / "labels.txt", archive.parent / "c"
    classes = _shown(capsys, cache, archive)["config"]["num_classes"]
    names = [f"n{number}" for number in range(classes)]
    labels.write_text("\n".join(["background", *names]))
    facts = _shown(capsys, cache, archive)
    assert facts["labels"] == {str(number): name for number, name in enumerate(names, 1)}
    assert facts["labels_described"].endswith("which is no class (labels.txt)")
    labels.write_text("\n".join([*names, "one more"]))
    facts = _shown(capsys, cache, archive)
    assert facts["labels"] == {}
    code, text, _ = _run(capsys, "show", archive, "--cache_dir", cache)
    assert code == 0
    assert f"expected {classes} name" in text
    assert "does not fit the model's classes (labels.txt)" in text


def test_show_of_a_model_that_is_not_fetched(capsys: Capture, tmp_path: Path) -> None:
    """What the catalogue knows, and how it is fetched."""
    facts = _shown(capsys, tmp_path, "ssd_mobilenet_v1_quantized_coco")
    assert (facts["presence"], facts["files"], facts["routes"]) == ("not fetched", [], [])
    assert facts["published"] == {"coco_map_minival": 18, "speed_ms_titanx": 29}
    assert facts["quantised"] and facts["traps"]
    assert facts["next_steps"] == ["python -m validation zoo fetch ssd_mobilenet_v1_quantized_coco"]
    code, text, _ = _run(capsys, "show", "ssd_mobilenet_v1_quantized_coco", "--cache_dir", tmp_path)
    assert code == 0
    assert "mAP in percent, COCO 2014 minival" in text
    assert "and 68 more" in text


def test_show_of_a_folder_and_of_a_tar(capsys: Capture, archive: Path, tmp_path: Path) -> None:
    """The same facts; spare files are listed without a part."""
    packed = tmp_path / "mine.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(archive, "mine")
    own = _shown(capsys, tmp_path / "c", archive)
    unpacked = _shown(capsys, tmp_path / "c", packed)
    assert own["name"] == unpacked["name"] == "mine"
    assert own["routes"] == unpacked["routes"] == ["cut out of frozen_inference_graph.pb"]
    assert {each["name"]: each["part"] for each in own["files"]}["notes.txt"] == ""
    assert own["config"]["max_total_detections"] == 30
    assert "--max_detections=30" in own["next_steps"][0]


def test_shipped_quantised_graph_is_converted(capsys: Capture, archive: Path) -> None:
    """Its next step names mean and std, without which it is not converted."""
    (archive / "frozen_inference_graph.pb").unlink()
    (archive / "tflite_graph.pb").write_bytes(EXPORTED)
    text = small_ssd.TEXT + "graph_rewriter { quantization { delay: 9 } }\n"
    (archive / "pipeline.config").write_text(text)
    facts = _shown(capsys, archive.parent / "c", archive)
    assert facts["routes"] == ["tflite_graph.pb, converted as it is"]
    assert facts["quantised"]
    assert "--mean_values=127.5 --std_dev_values=127.5" in facts["next_steps"][0]


def test_no_route_says_why(capsys: Capture, archive: Path) -> None:
    """A config alone, half a checkpoint, and a model that is no SSD."""
    (archive / "frozen_inference_graph.pb").unlink()
    cache = archive.parent / "c"
    facts = _shown(capsys, cache, archive)
    assert facts["routes"] == facts["next_steps"] == []
    assert facts["no_route"].startswith("neither a graph nor a checkpoint")
    (archive / "model.ckpt.index").touch()
    assert "half a checkpoint" in _shown(capsys, cache, archive)["no_route"]
    (archive / "frozen_inference_graph.pb").touch()
    (archive / "pipeline.config").write_text("model { faster_rcnn { } }")
    facts = _shown(capsys, cache, archive)
    assert "Faster R-CNN is not an SSD" in facts["no_route"]
    assert facts["routes"] == []


def test_config_that_cannot_be_read_leaves_the_graph(capsys: Capture, archive: Path) -> None:
    """Its problem is reported, and the graph is still a route."""
    (archive / "pipeline.config").write_text("model { ssd {")
    facts = _shown(capsys, archive.parent / "c", archive)
    assert facts["routes"] == ["cut out of frozen_inference_graph.pb"]
    assert "never closed" in facts["config_problem"]


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda _: None, 2, "no model and no archive"),
        (lambda path: path.mkdir(), 2, "no archive found"),
        (lambda path: path.write_text("x"), 2, "this is text of an unknown kind"),
        (lambda path: [shutil.copytree(path.parent / "mine", path / n) for n in "ab"], 2,
         "2 archives in one folder"),
    ],
    ids=["missing", "empty", "no tar", "two"],
)  # fmt: skip
def test_what_is_no_archive(capsys: Capture, archive: Path, make, code: int, said: str) -> None:
    """Wrong use, in one line."""
    path = archive.parent / "other"
    make(path)
    got, out, err = _run(capsys, "show", path, "--cache_dir", archive.parent / "c")
    assert (got, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (node("x", "Placeholder"), "no node image_tensor and none detection_boxes"),
        (GRAPH + node("FirstStageFeatureExtractor/a", "Conv2D"), "of a detector of two stages"),
        (EXPORTED, "a graph that was exported for TFLite, no inference graph"),
        (LFS, "git lfs pull"),
        (GRAPH[:-3], "only part of a TensorFlow graph"),
    ],
)
def test_no_route_is_promised_for_another_graph(
    capsys: Capture, archive: Path, content: bytes, said: str
) -> None:
    """What is in the file decides, not its name."""
    (archive / "frozen_inference_graph.pb").write_bytes(content)
    facts = _shown(capsys, archive.parent / "c", archive)
    assert (facts["routes"], facts["next_steps"]) == ([], [])
    assert said in facts["no_route"]
    assert said in " ".join(facts["unusable"])


def test_damaged_tar(capsys: Capture, tmp_path: Path) -> None:
    """One line, and exit code 1."""
    (tmp_path / "m.tar.gz").write_bytes(b"\x1f\x8b\x08 cut")
    code, out, err = _run(capsys, "show", tmp_path / "m.tar.gz", "--cache_dir", tmp_path / "c")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_refused_by_name(capsys: Capture) -> None:
    """As the suites refuse it."""
    code, _, err = _run(capsys, "show", "faster_rcnn_nas")
    assert code == 2
    assert "is a Faster R-CNN" in err


@pytest.mark.parametrize("command", ["list", "fetch", "show"])
def test_help(capsys: Capture, command: str) -> None:
    """Each has an example under the whole of its name."""
    with pytest.raises(SystemExit):
        main(["zoo", command, "--help"])
    assert f"example:\n  python -m validation zoo {command}" in capsys.readouterr().out


def test_examples_name_models_that_exist() -> None:
    """What the help texts show can be typed."""
    names = {entry.name for entry in load_catalogue().entries}
    assert {"ssdlite_mobilenet_v2_person", "ssd_mobilenet_v1"} <= names
