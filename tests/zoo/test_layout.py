"""A model's files are found by name, all in one folder, the same ones every time."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ArtefactError, ArtefactMissing
from validation.zoo import layout
from validation.zoo.layout import ModelFiles, find_model_files

_ITEM = "# COCO\nitem {\n id: 1\n name: 'person'\n}\n"


def _make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def _checkpoint(root: Path, *prefixes: str, meta: bool = True) -> Path:
    for prefix in prefixes:
        _make(root, f"{prefix}.index", f"{prefix}.data-00000-of-00001")
        if meta:
            _make(root, f"{prefix}.meta")
    return root


@pytest.mark.parametrize("below", ["", "ssd_mobilenet_v1_coco_2018_01_28"])
def test_full_archive_is_found_at_the_top_or_one_folder_deep(tmp_path: Path, below: str) -> None:
    """A zoo archive's files are each known by their part, nested as tar leaves them or not."""
    folder = tmp_path / below
    _checkpoint(folder, "model.ckpt")
    _make(folder, "checkpoint", "frozen_inference_graph.pb", "pipeline.config", "tflite_graph.pb")
    _make(folder, "saved_model/saved_model.pb", "saved_model/variables/variables.index")
    (folder / "label_map.pbtxt").write_text(_ITEM)
    found = find_model_files(tmp_path)
    assert found == ModelFiles(
        frozen_graph=folder / "frozen_inference_graph.pb",
        meta_graph=folder / "model.ckpt.meta",
        checkpoint_prefix=folder / "model.ckpt",
        pipeline_config=folder / "pipeline.config",
        tflite_graph=folder / "tflite_graph.pb",
        label_map=folder / "label_map.pbtxt",
    )
    assert {path.name for path in found.paths()} == {
        "frozen_inference_graph.pb",
        "model.ckpt.meta",
        "model.ckpt.index",
        "model.ckpt.data-00000-of-00001",
        "pipeline.config",
        "tflite_graph.pb",
        "label_map.pbtxt",
    }
    assert all(path.is_file() for path in found.paths())


def test_lacking_parts_are_none(tmp_path: Path) -> None:
    """An archive with a config alone is one, with nothing made up."""
    _make(tmp_path, "pipeline.config", "pipeline.user-edited.config")
    assert find_model_files(tmp_path) == ModelFiles(pipeline_config=tmp_path / "pipeline.config")


@pytest.mark.parametrize(
    "names",
    [
        ["model.ckpt.index"],
        ["model.ckpt.data-00000-of-00001"],
        ["model.ckpt.index", "model.ckpt.data-00000-of-00002"],
        ["model.ckpt.index", "model.ckpt.data-00000-of-00000"],
        ["model.ckpt-1.index", "model.ckpt-2.data-00000-of-00001"],
    ],
)
def test_half_a_checkpoint_is_none(tmp_path: Path, names: list[str]) -> None:
    """A prefix counts only with its index and all its shards; a lone .meta is still told."""
    _make(tmp_path, *names, "model.ckpt.meta")
    found = find_model_files(tmp_path)
    assert found == ModelFiles(meta_graph=tmp_path / "model.ckpt.meta")


def test_half_a_checkpoint_and_nothing_else_is_refused(tmp_path: Path) -> None:
    """An index without data and without any other file cannot be tested at all."""
    _make(tmp_path, "model.ckpt.index", "vars.tsv")
    with pytest.raises(ArtefactError, match=r"half a checkpoint.*got model\.ckpt\.index, vars"):
        find_model_files(tmp_path)


def test_all_shards_belong_to_a_checkpoint(tmp_path: Path) -> None:
    """A checkpoint in several shards is whole with all of them, whatever else is beside it."""
    shards = [f"model.ckpt.data-0000{i}-of-00003" for i in range(3)]
    _make(tmp_path, "model.ckpt.index", *shards)
    _checkpoint(tmp_path, "model.ckpt-5", meta=False)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
    found = find_model_files(tmp_path)
    assert found.checkpoint_prefix == tmp_path / "model.ckpt"
    assert {path.name for path in found.paths()} == {"model.ckpt.index", *shards}


@settings(max_examples=24, deadline=None)
@given(st.permutations([0, 9, 100, 400000]), st.integers(1, 4))
def test_highest_step_wins(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], count: int
) -> None:
    """Without a word from `checkpoint` the highest step is taken, as a number, not as text."""
    root = tmp_path_factory.mktemp("steps")
    _checkpoint(root, "model.ckpt", *(f"model.ckpt-{step}" for step in steps[:count]))
    found = find_model_files(root)
    assert found.checkpoint_prefix == root / f"model.ckpt-{max(steps[:count])}"
    assert found.meta_graph == root / f"model.ckpt-{max(steps[:count])}.meta"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ('model_checkpoint_path: "/tmp/train/model.ckpt-7"\n', "model.ckpt-7"),
        ('# x\n  model_checkpoint_path : "model.ckpt-7"\n', "model.ckpt-7"),
        (r'model_checkpoint_path: "C:\\train\\model.ckpt-7"', "model.ckpt-7"),
        ('all_model_checkpoint_paths: "model.ckpt-7"\n', "model.ckpt-80"),
        ('model_checkpoint_path: "model.ckpt-99"\n', "model.ckpt-80"),
        ("\x00\x01", "model.ckpt-80"),
        (None, "model.ckpt-80"),
    ],
)
def test_checkpoint_file_decides(tmp_path: Path, text: str | None, taken: str) -> None:
    """The file `checkpoint` names the prefix by basename; if that is not there the step decides."""
    _checkpoint(tmp_path, "model.ckpt-7", "model.ckpt-80")
    if text is not None:
        (tmp_path / "checkpoint").write_text(text)
    found = find_model_files(tmp_path)
    assert found.checkpoint_prefix == tmp_path / taken
    assert found.meta_graph == tmp_path / f"{taken}.meta"


def test_meta_of_another_step_is_not_taken(tmp_path: Path) -> None:
    """The .meta belongs to the checkpoint; without a checkpoint the highest step is told."""
    _checkpoint(tmp_path, "model.ckpt-80", meta=False)
    _make(tmp_path, "model.ckpt-7.meta", "model.ckpt-9.meta")
    assert find_model_files(tmp_path).meta_graph is None
    (tmp_path / "model.ckpt-80.index").unlink()
    assert find_model_files(tmp_path).meta_graph == tmp_path / "model.ckpt-9.meta"


def test_files_of_two_folders_are_never_mixed(tmp_path: Path) -> None:
    """Where the top has a model, a checkpoint below it is not taken."""
    _make(tmp_path, "pipeline.config")
    _checkpoint(tmp_path / "train", "model.ckpt-1")
    assert find_model_files(tmp_path) == ModelFiles(pipeline_config=tmp_path / "pipeline.config")


def test_two_models_in_one_archive_are_refused(tmp_path: Path) -> None:
    """fp32 and uint8 side by side are two models, and neither is picked by chance."""
    _make(tmp_path, "fp32/pipeline.config", "uint8/pipeline.config")
    with pytest.raises(ArtefactError, match=r"more than one model .*got fp32, uint8; unpack"):
        find_model_files(tmp_path)


@pytest.mark.parametrize("top", ["", "ssdlite_mobiledet_edgetpu_320x320_coco_2020_05_19"])
def test_named_folder_is_one_of_several_models(tmp_path: Path, top: str) -> None:
    """With its folder named, a model of an archive that holds several is found."""
    for folder in ("fp32", "uint8"):
        _checkpoint(tmp_path / top / folder, "model.ckpt-400000")
        _make(tmp_path / top / folder, "pipeline.config", "tflite_graph.pb", "model.tflite")
    for folder in ("fp32", "uint8"):
        inside = tmp_path / top / folder
        assert find_model_files(tmp_path, folder) == ModelFiles(
            meta_graph=inside / "model.ckpt-400000.meta",
            checkpoint_prefix=inside / "model.ckpt-400000",
            pipeline_config=inside / "pipeline.config",
            tflite_graph=inside / "tflite_graph.pb",
        )


def test_named_folder_must_be_there_once_and_hold_a_model(tmp_path: Path) -> None:
    """A folder that is missing, empty or there twice is told by what there is."""
    with pytest.raises(ArtefactError, match=r"not one model folder 'fp32' .*got no folder; corr"):
        find_model_files(tmp_path, "fp32")
    (tmp_path / "a" / "fp32").mkdir(parents=True)
    with pytest.raises(ArtefactError, match=r"not one model folder .*got a, fp32"):
        find_model_files(tmp_path, "fp32")
    _make(tmp_path, "a/fp32/pipeline.config", "fp32/pipeline.config")
    with pytest.raises(ArtefactError, match=r"not one model folder .*got a, fp32, fp32"):
        find_model_files(tmp_path, "fp32")


def test_quantised_archive_has_no_frozen_graph(tmp_path: Path) -> None:
    """Checkpoint, config and tflite_graph.pb are a model, as the zoo's quantised ones come."""
    _checkpoint(tmp_path / "ssd", "model.ckpt")
    _make(tmp_path / "ssd", "pipeline.config", "tflite_graph.pb", "tflite_graph.pbtxt")
    found = find_model_files(tmp_path)
    assert found.frozen_graph is None
    assert found.tflite_graph == tmp_path / "ssd" / "tflite_graph.pb"
    assert found.checkpoint_prefix == tmp_path / "ssd" / "model.ckpt"
    assert found.label_map is None


def test_folder_without_model_is_refused(tmp_path: Path) -> None:
    """A folder without a model, or with one too deep, is told by what it holds."""
    with pytest.raises(ArtefactError, match=r"no model in the archive.*got an empty folder"):
        find_model_files(tmp_path)
    _make(tmp_path, "a/b/pipeline.config")
    with pytest.raises(ArtefactError, match=r"no model .*one folder deep, got a$"):
        find_model_files(tmp_path)
    with pytest.raises(ArtefactMissing, match=r"cannot be listed .*none.*No such file"):
        find_model_files(tmp_path / "none")


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["tflite_graph.pbtxt", "x.pbtxt", "labels.txt"], "x.pbtxt"),
        (["b.pbtxt", "a.pbtxt"], "a.pbtxt"),
        (["tflite_graph.pbtxt", "coco_Labels.txt"], "coco_Labels.txt"),
        (["labelmap.txt", "label.txt"], "label.txt"),
        (["classes.txt", "tflite_graph.pbtxt"], "classes.txt"),
        (["coco.names"], "coco.names"),
        (["readme.txt", "subclasses.txt", "tflite_graph.pbtxt"], None),
    ],
)
def test_label_map_is_told_from_text_graphs(
    tmp_path: Path, names: list[str], taken: str | None
) -> None:
    """A .pbtxt is a label map if it begins with an item; a list of names must be called labels."""
    _make(tmp_path, "pipeline.config", *names)
    for name in names:
        if name.endswith(".pbtxt"):
            (tmp_path / name).write_text("node {\n}\n" if "graph" in name else _ITEM)
    assert find_model_files(tmp_path).label_map == (tmp_path / taken if taken else None)


def test_label_map_may_lie_beside_the_model_folder(tmp_path: Path) -> None:
    """The label map beside the model's folder serves, the one inside goes before it."""
    _make(tmp_path, "model/pipeline.config", "labels.txt")
    assert find_model_files(tmp_path).label_map == tmp_path / "labels.txt"
    _make(tmp_path, "model/labels.txt")
    assert find_model_files(tmp_path).label_map == tmp_path / "model" / "labels.txt"


def test_unreadable_label_map_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .pbtxt that cannot be read is an error, not an archive without labels."""
    _make(tmp_path, "pipeline.config", "a.pbtxt")

    def refuse(path: Path, _: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("validation.zoo.layout.read_head", refuse)
    with pytest.raises(ArtefactMissing, match=r"cannot be read .*a\.pbtxt.*Permission denied"):
        find_model_files(tmp_path)


def test_order_of_the_file_system_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order a folder is listed in, the same files are found."""
    _checkpoint(tmp_path, "a-5", "b-5")
    _make(tmp_path, "a-5.ckpt.meta", "labels.txt")
    listed = list(tmp_path.iterdir())
    found = set()
    for order in itertools.islice(itertools.permutations(listed), 0, None, 997):
        monkeypatch.setattr(Path, "iterdir", lambda _, order=order: iter(order))
        found.add(find_model_files(tmp_path))
    assert len(found) == 1
    assert layout.looks_like_archive(tmp_path)
