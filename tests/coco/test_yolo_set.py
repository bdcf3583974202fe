"""YOLO sets become a data set: lines, names and layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.coco.dataset import Dataset, load_dataset
from validation.coco.yaml_keys import read_keys
from validation.coco.yolo import parse_yolo
from validation.errors import DatasetError
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Make = Callable[..., Path]
_EXIF_ORIENTATION = 0x0112


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write files, and an image of 40 x 20 for each name that asks for one."""

    def _make(files: dict[str, str | None]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                Image.new("RGB", (40, 20)).save(path)
            else:
                path.write_text(text)
        return tmp_path

    return _make


def _kinds(dataset: Dataset) -> dict[Kind, bool]:
    return {
        notice.kind: notice.moves_figures
        for notice in dataset.notices
        if notice.kind is not Kind.AREA_MISSING
    }


_LINE = "1 0.5 0.5 0.5 0.5\n"
_BOX = (10.0, 5.0, 20.0, 10.0)
_SET: dict[str, str | None] = {
    "images/val/a.png": None,
    "labels/val/a.txt": _LINE,
    "images/train/z.png": None,
    "labels/train/z.txt": _LINE,
}
_NAMES = "names: [cat, dog]\n"


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (_SET | {"data.yaml": "val: images/val\n" + _NAMES}, "data.yaml"),
        (_SET | {"data.yaml": "val: images/val\n" + _NAMES}, ""),
        (_SET | {"data.yaml": "path: ../datasets/x\nval: [images/val]\n" + _NAMES}, ""),
        (_SET | {"data.yaml": "train: images/train\nval:\ntest: images/val\n" + _NAMES}, ""),
        (_SET | {"set.yml": "train: a\nval: ./images/val\nnames:\n- cat\n- dog\n"}, ""),
        (_SET | {"data.yaml": "nc: 2\nval: val.txt\n" + _NAMES, "val.txt": "images/val/a.png"}, ""),
        (_SET | {"data.yaml": "val: images/val\n" + _NAMES}, "images/val"),
        (_SET | {"classes.txt": "cat\ndog\n"}, ""),
        (_SET | {"classes.txt": "cat\ndog\n"}, "images"),
        (
            {"images/val2017/a.png": None, "labels/val2017/a.txt": _LINE}
            | {"classes.txt": "cat\ndog\n"},
            "",
        ),
        (_SET | {"labels/classes.txt": "cat\ndog\n"}, "labels/val"),
        (
            {
                "valid/images/a.png": None,
                "valid/labels/a.txt": _LINE,
                "data.yaml": "train: ../train/images\nval: ../valid/images\nnc: 2\n" + _NAMES,
            },
            "",
        ),
        ({"a.png": None, "a.txt": _LINE, "classes.txt": "cat\ndog\n"}, ""),
        (
            {
                "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/val.txt\n"
                "names = data/obj.names\n",
                "obj.names": "cat\ndog\n",
                "val.txt": "data/obj_data/a.png\n",
                "data/val.txt": "data/obj_data/a.png\n",
                "data/obj_data/a.png": None,
                "data/obj_data/a.txt": _LINE,
            },
            "obj.data",
        ),
        (
            _SET | {"val.txt": "./images/val/a.png\n", "classes.txt": "cat\ndog\n"},
            "val.txt",
        ),
        (
            {
                "obj.names": "cat\ndog\n",
                "train.txt": "data/obj_train_data/a.png\n",
                "obj_train_data/a.png": None,
                "obj_train_data/a.txt": _LINE,
            },
            "train.txt",
        ),
    ],
)
def test_layouts(make: Make, files: dict[str, str | None], named: str) -> None:
    """That of Ultralytics, Roboflow, darknet, labelImg, CVAT; training images only by name."""
    dataset = load_dataset(make(files) / named)
    assert [image.file_name for image in dataset.images] == ["a.png"]
    assert dataset.ground_truth[0].bbox == _BOX
    assert dataset.categories == {1: "cat", 2: "dog"}
    assert dataset.ground_truth[0].category_id == 2
    assert _kinds(dataset) == {}


def test_folders_below_belong_to_the_set(make: Make) -> None:
    """As YOLO's own tools look for images."""
    files = {"images/one/a.png": None, "images/two/a.png": None}
    labels = {"labels/one/a.txt": _LINE, "labels/two/a.txt": _LINE * 2}
    dataset = load_dataset(make(files | labels | {"data.yaml": "val: images\n" + _NAMES}))
    assert [item.image_id for item in dataset.ground_truth] == [1, 2, 2]


def test_images_and_labels_may_lie_apart(make: Make) -> None:
    """Named by both options."""
    root = make({"there/a.png": None, "here/a.txt": _LINE, "here/classes.txt": "cat\ndog\n"})
    assert load_dataset(root / "here", root / "there").ground_truth[0].bbox == _BOX
    assert load_dataset(root / "here", root / "there").categories == {1: "cat", 2: "dog"}


def test_training_images_are_not_taken_by_guess(make: Make) -> None:
    """What is there for training alone has to be named."""
    root = make({"data.yaml": "train: images/train\n" + _NAMES})
    with pytest.raises(DatasetError, match=r"no images to evaluate on.*got train alone"):
        load_dataset(root)


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (_LINE, {}),
        ("1.0  0.5\t0.5 0.5 0.5", {}),
        ("1 0.5 0.5 0.5 0.5 0.93", {Kind.CONFIDENCE_IGNORED: True}),
        ("1 0.25 0.25 0.75 0.25 0.5 0.75", {Kind.BOX_FROM_OUTLINE: False}),
        ("1 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75", {Kind.BOX_FROM_OUTLINE: False}),
    ],
)
def test_lines(make: Make, line: str, kinds: dict[Kind, bool]) -> None:
    """Boxes, predictions and outlines."""
    dataset = load_dataset(
        make({"images/a.png": None, "labels/a.txt": line, "classes.txt": "a\nb"})
    )
    assert dataset.ground_truth[0].bbox == _BOX
    assert _kinds(dataset) == kinds


def test_keypoints_are_ignored_where_the_set_has_them(make: Make) -> None:
    """Without kpt_shape the same line would be an outline."""
    yaml = "val: images/val\nkpt_shape: [2, 3]\n" + _NAMES
    line = "1 0.5 0.5 0.5 0.5 0.1 0.1 2 0.9 0.9 2\n"
    dataset = load_dataset(make(_SET | {"data.yaml": yaml, "labels/val/a.txt": line}))
    assert dataset.ground_truth[0].bbox == _BOX
    assert _kinds(dataset) == {Kind.KEYPOINTS_IGNORED: False}


def test_images_without_labels_show_no_object(make: Make) -> None:
    """Where most have none, it may be that labels are lost."""
    files = {f"images/{name}.png": None for name in "abc"}
    dataset = load_dataset(make(files | {"labels/a.txt": _LINE, "labels/b.txt": ""}))
    assert len(dataset.images) == 3
    assert _kinds(dataset)[Kind.IMAGE_WITHOUT_LABELS] is False
    (make({}) / "labels" / "b.txt").unlink()
    assert _kinds(load_dataset(make({})))[Kind.IMAGE_WITHOUT_LABELS] is True


def test_classes_without_names_have_numbers(make: Make) -> None:
    """No class is made up: those that occur, called by their numbers."""
    dataset = load_dataset(make(_SET))
    assert dataset.categories == {2: "2"}
    assert _kinds(dataset) == {Kind.CATEGORY_UNNAMED: False}


def test_labels_without_an_image_are_noticed(make: Make) -> None:
    """Their objects cannot be scored."""
    files = _SET | {"labels/val/b.txt": _LINE, "classes.txt": "cat\ndog\n"}
    assert _kinds(load_dataset(make(files))) == {Kind.LABELS_WITHOUT_IMAGE: True}


def test_a_turned_photograph_has_the_size_that_its_labels_are_shares_of(make: Make) -> None:
    """Those who label see it upright, and so do YOLO's own tools."""
    root = make(_SET)
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = 6
    Image.new("RGB", (40, 20)).save(root / "images" / "val" / "a.png", exif=exif)
    dataset = load_dataset(root)
    (image,) = dataset.images
    assert (image.width, image.height, image.turned) == (20, 40, True)
    # Nothing in a label says so.
    assert _kinds(dataset)[Kind.TURN_ASSUMED]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"labels/val/a.txt": "cat 1 2 3 4"}, r"no object of a YOLO label file \(a.txt, line 1\)"),
        ({"labels/val/a.txt": _LINE + "1 0.5 0.5"}, r"a.txt, line 2.*got 1 0.5 0.5"),
        ({"labels/val/a.txt": "1 0.5 0.5 -0.5 0.5"}, "no object of a YOLO"),
        ({"labels/val/a.txt": "-1 0.5 0.5 0.5 0.5"}, "no object of a YOLO"),
        ({"labels/val/a.txt": "1 0.5 inf 0.5 0.5"}, "no object of a YOLO"),
        ({"labels/val/a.txt": "1 20 10 20 10"}, "not in shares of the image.*divide pixels"),
        ({"labels/val/a.txt": "7 0.5 0.5 0.5 0.5"}, "class 7 has no name.*from 0 to 1"),
        ({"data.yaml": "val: images/val\nnc: 3\n" + _NAMES}, "nc and names disagree"),
        ({"data.yaml": "val: images/test\n" + _NAMES}, r"images of val are not there.*images/test"),
        ({"data.yaml": "val: images/val\nnames: {a: b}\n"}, "names are not numbered"),
        ({"data.yaml": "val: images/val\nnames: &n [a]\n"}, r"cannot be read here \(.*line 2"),
        ({"classes.txt": "cat\n\ndog\n", "data.yaml": ""}, r"empty line.*classes.txt, line 2"),
    ],
)
def test_what_cannot_be_read_is_named(make: Make, files: dict[str, str], said: str) -> None:
    """File and line."""
    base = _SET | {"data.yaml": "val: images/val\n" + _NAMES}
    with pytest.raises(DatasetError, match=said):
        load_dataset(make(base | files))


_NAME = st.text(
    st.characters(categories=["L", "N"], include_characters=" _-'\"#:,[]{}\\"), min_size=1
).filter(lambda name: name == name.strip())


def _quoted(name: str, style: int) -> str:
    if style == 0:
        return "'" + name.replace("'", "''") + "'"
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=80, deadline=None)
@given(names=st.lists(_NAME, min_size=1, max_size=5), data=st.data())
def test_names_are_read_in_every_style(names: list[str], data: st.DataObject) -> None:
    """Lists and maps, in brackets and on lines, in either quotes."""
    style = data.draw(st.sampled_from([0, 1]))
    words = [_quoted(name, style) for name in names]
    layouts = {
        "flow list": f"names: [{', '.join(words)}]",
        "long list": "names: [\n" + "".join(f"  {word},\n" for word in words) + "]",
        "list": "names:\n" + "".join(f"- {word}  # no\n" for word in words),
        "map": "names:\n" + "".join(f"  {key}: {word}\n" for key, word in enumerate(words)),
        "flow map": "names: {" + ", ".join(f"{k}: {w}" for k, w in enumerate(words)) + "}",
    }
    for layout, text in layouts.items():
        value = read_keys(f"# x\nnc: 1\n{text}\nval: a b # c\n", ("names", "val"), "here")
        found = value["names"]
        assert (list(found.values()) if isinstance(found, dict) else found) == names, layout
        assert value["val"] == "a b"


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("names: val[]{}'\"#-,\\\n &*|0a"), max_size=60))
def test_any_yaml_ends_in_values_or_one_error(text: str) -> None:
    """Nothing else is raised, and nothing grows."""
    try:
        read_keys(text, ("names", "val"), "here")
    except DatasetError as error:
        assert "here" in str(error)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("0123456789.-+e \n\tinfa"), max_size=60))
def test_any_label_text_ends_in_boxes_or_one_error(text: str) -> None:
    """Boxes are finite and not inverted."""
    try:
        found = parse_yolo(text, "a.txt")
    except DatasetError as error:
        assert "a.txt, line" in str(error)
    else:
        assert all(abs(side) <= 4 and min(each.box[2:]) >= 0 for each in found for side in each.box)
