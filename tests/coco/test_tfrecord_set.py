"""The OD API's TFRecords become a data set: sizes, classes, flags, images in the cache."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from set_writers import Values, example, frame

from validation.coco.dataset import Dataset, load_dataset
from validation.errors import DatasetError
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Write = Callable[..., Path]


def _image(width: int = 40, height: int = 20, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (width, height, 7)).save(stream, kind)
    return stream.getvalue()


def _turned() -> bytes:
    """An image that viewers show on its side."""
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def _features(**changes: Values | None) -> dict[str, Values]:
    """One object, a quarter of the image; a change to None takes a feature out."""
    features: dict[str, Values] = {
        "image/encoded": [_image()],
        "image/filename": [b"a.png"],
        "image/height": [20],
        "image/width": [40],
        "image/object/bbox/xmin": [0.25],
        "image/object/bbox/ymin": [0.5],
        "image/object/bbox/xmax": [0.75],
        "image/object/bbox/ymax": [1.0],
        "image/object/class/label": [3],
        "image/object/class/text": [b"cat"],
        "image/object/area": [150.0],
    }
    for name, values in changes.items():
        key = name.replace("__", "/")
        if values is None:
            del features[key]
        else:
            features[key] = values
    return features


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write records of these features to a file."""

    def _write(*records: dict[str, Values], name: str = "val.record") -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join(frame(example(each)) for each in records))
        return path

    return _write


def _load(path: Path, images: Path | None = None) -> Dataset:
    base = path.parent if path.parent.is_dir() else path.parent.parent
    return load_dataset(path, images, cache=base / "cache")


def _kinds(dataset: Dataset) -> dict[Kind, bool]:
    return {notice.kind: notice.moves_figures for notice in dataset.notices}


def test_a_record_is_an_image_with_objects(write: Write) -> None:
    """Boxes in pixels, categories by number and name, the image's bytes as they were."""
    dataset = _load(write(_features()))
    (image,), (item,) = dataset.images, dataset.ground_truth
    assert image.file_name == "a.png"
    assert image.path.read_bytes() == _image()
    assert image.path.suffix == ".png"
    assert item.bbox == (10, 10, 20, 10)
    assert (item.category_id, item.area, item.is_crowd) == (3, 150, False)
    assert dataset.categories == {3: "cat"}
    assert dataset.notices == ()


def test_source_ids_are_the_ids_where_they_are_numbers(write: Write) -> None:
    """As the tool for COCO writes them; else records are counted."""
    two = [_features(image__source_id=[key]) for key in (b"139", b"26")]
    assert [image.id for image in _load(write(*two)).images] == [26, 139]
    assert [image.id for image in _load(write(two[0], two[0])).images] == [1, 2]


def test_embedded_images_are_written_once(write: Write) -> None:
    """Under the hash of their bytes; a damaged one is written again."""
    path = write(_features(), _features(image__encoded=[_image(40, 20, "JPEG")]))
    first, second = (image.path for image in _load(path).images)
    assert second.suffix == ".jpg"
    before = first.stat().st_mtime_ns
    second.write_bytes(b"half")
    _load(path)
    assert first.stat().st_mtime_ns == before
    assert second.read_bytes() == _image(40, 20, "JPEG")


def test_only_selected_images_are_written(write: Write) -> None:
    """A few of a large set take a few files."""
    path = write(_features(), _features(image__encoded=[_image(40, 20, "BMP")]))
    load_dataset(path, max_images=1, cache=path.parent / "cache")
    files = [each for each in (path.parent / "cache").rglob("*") if each.is_file()]
    assert [each.suffix for each in files] == [".png"]


def test_images_beside_the_records_are_found(write: Write, tmp_path: Path) -> None:
    """Records without pixels need the folder of the images."""
    path = write(_features(image__encoded=None, image__filename=[b"some/where/a.png"]))
    with pytest.raises(DatasetError, match=r"record 1\).*--coco-images"):
        _load(path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(_image())
    assert _load(path, tmp_path / "images").images[0].path == tmp_path / "images" / "a.png"


@pytest.mark.parametrize(
    ("changes", "kind", "moves"),
    [
        ({"image/height": [], "image/width": []}, Kind.SIZE_FROM_IMAGE, False),
        ({"image/height": [200], "image/width": [400]}, Kind.SIZE_DISAGREES, False),
        ({"image/object/area": []}, Kind.AREA_MISSING, False),
        ({"image/object/difficult": [1]}, Kind.OBJECT_DIFFICULT, True),
        ({"image/object/group_of": [1]}, Kind.OBJECT_GROUP_OF, True),
        ({"image/object/class/text": []}, Kind.CATEGORY_UNNAMED, False),
        (
            {"image/object/bbox/xmin": [0.75], "image/object/bbox/xmax": [0.25]},
            Kind.BOX_INVERTED,
            True,
        ),
    ],
)
def test_what_was_assumed_is_noticed(
    write: Write, changes: dict[str, Values], kind: Kind, moves: bool
) -> None:
    """The box is the same each time, in the pixels of the image that is there."""
    dataset = _load(write(_features() | changes))
    assert _kinds(dataset) == {kind: moves}
    assert dataset.ground_truth[0].bbox == (10, 10, 20, 10)
    ignored = kind in (Kind.OBJECT_DIFFICULT, Kind.OBJECT_GROUP_OF)
    assert dataset.ground_truth[0].is_crowd == ignored


def test_a_crowd_is_a_crowd(write: Write) -> None:
    """The file says so itself, so nothing is assumed."""
    dataset = _load(write(_features() | {"image/object/is_crowd": [1]}))
    assert dataset.ground_truth[0].is_crowd
    assert dataset.notices == ()


def test_texts_alone_are_numbered_and_joined_by_name_only(write: Write) -> None:
    """The numbers are ours, so nothing may be joined by them."""
    dataset = _load(write(_features() | {"image/object/class/label": []}))
    assert dataset.categories == {1: "cat"}
    assert not dataset.numbers_stated


def test_an_image_without_objects_stays(write: Write) -> None:
    """Lists without values have no type."""
    empty = {name: [] if "object" in name else values for name, values in _features().items()}
    dataset = _load(write(_features(), empty))
    assert len(dataset.images) == 2
    assert dataset.annotations == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image/object/class/label": [3, 4]}, "class/label has not a value for each .*got 2"),
        ({"image/object/class/label": [3.0]}, "expected int64_list, got float_list"),
        ({"image/object/class/text": [], "image/object/class/label": []}, "object without a class"),
        ({"image/object/bbox/ymax": [float("nan")]}, "not four finite numbers"),
        ({"image/object/bbox/ymax": []}, "four finite numbers .*got 0.25, 0.5, 0.75, None"),
        ({"image/object/bbox/xmax": [30.0]}, "not in shares of the image.*got 0.25, 0.5, 30, 1"),
        ({"image/encoded": [b"GIF89a"]}, "image/encoded is no image"),
    ],
)
def test_a_wrong_record_is_named(write: Write, changes: dict[str, Values], said: str) -> None:
    """File, record and feature."""
    path = write(_features(), _features() | changes)
    with pytest.raises(DatasetError, match=said) as caught:
        _load(path)
    assert "val.record, record 2" in str(caught.value)


def test_other_examples_are_named(write: Write) -> None:
    """Records of another task say what they have instead."""
    with pytest.raises(DatasetError, match=r"no labelled image.*got label, text"):
        _load(write({"label": [1], "text": [b"a"]}))


def test_one_number_with_two_names_is_refused(write: Write) -> None:
    """Shards that were written with different label maps."""
    path = write(_features(), _features() | {"image/object/class/text": [b"dog"]})
    with pytest.raises(DatasetError, match=r"class 3 has two names.*'cat' .*'dog'"):
        _load(path)


def test_a_missing_part_is_named(write: Write, tmp_path: Path) -> None:
    """Of a set that counts its parts, none may be left out silently."""
    for number in (0, 2):
        write(_features(), name=f"val.record-0000{number}-of-00003")
    with pytest.raises(DatasetError, match=r"1 part .*no val.record-00001-of-00003"):
        _load(tmp_path / "val.record-?????-of-00003")
    assert _load(write(_features(), name="own.record")).annotations == 1


def test_of_several_sets_in_a_folder_that_for_evaluation_is_taken(
    write: Write, tmp_path: Path
) -> None:
    """Training images are never scored by guess."""
    write(_features(), name="train.record")
    write(_features(), name="pet_val.record")
    assert load_dataset(tmp_path, cache=tmp_path / "cache").name == "pet_val"
    (tmp_path / "pet_val.record").rename(tmp_path / "other.record")
    with pytest.raises(DatasetError, match=r"several sets of TFRecords.*name one"):
        load_dataset(tmp_path, cache=tmp_path / "cache")


_CONFIG = """
model { ssd { num_classes: 3 unheard_of { a: 1 } } }
train_input_reader: { tf_record_input_reader { input_path: "train.record" } }
eval_input_reader: {
  label_map_path: "PATH/labels.pbtxt"
  num_readers: 1
  tf_record_input_reader { input_path: "%s" }
}
"""


@pytest.mark.parametrize(
    "named", ["val.record", "C:\\\\data\\\\val.record", "/data/sets/val.record-?????-of-00001"]
)
def test_a_pipeline_config_names_its_files(write: Write, tmp_path: Path, named: str) -> None:
    """Where they are not where it says, they may lie beside it; the label map gives names."""
    sharded = "?" in named
    write(
        _features() | {"image/object/class/text": []},
        name="val.record-00000-of-00001" if sharded else "val.record",
    )
    (tmp_path / "labels.pbtxt").write_text("item { id: 3 name: 'cat' } item { id: 1 name: 'ox' }")
    config = tmp_path / "pipeline.config"
    config.write_text(_CONFIG % named)
    dataset = _load(config)
    assert dataset.categories == {1: "ox", 3: "cat"}
    assert _kinds(dataset) == {Kind.NAME_FROM_LABEL_MAP: False}
    assert dataset.name == "val"


def test_without_a_size_a_turned_photograph_is_doubtful(write: Write) -> None:
    """Its boxes may be shares of the image as stored or as shown."""
    changes: dict[str, Values | None] = {"image__height": None, "image__width": None}
    for image, doubtful in ((_turned(), True), (_image(), False)):
        dataset = _load(write(_features(image__encoded=[image], **changes)))
        assert _kinds(dataset)[Kind.SIZE_FROM_IMAGE] is doubtful


def test_readers_of_the_same_files_count_once(write: Write, tmp_path: Path) -> None:
    """Configs of several readers often repeat one; several sets are asked for."""
    write(_features(), name="val.record")
    (tmp_path / "pipeline.config").write_text(2 * (_CONFIG % "val.record"))
    assert len(_load(tmp_path / "pipeline.config").images) == 1
    (tmp_path / "pipeline.config").write_text(_CONFIG % "val.record" + _CONFIG % "test.record")
    with pytest.raises(DatasetError, match=r"does not say which.*--coco-annotations='val.record'"):
        _load(tmp_path / "pipeline.config")


def test_a_path_of_another_machine_is_found_by_its_last_parts(write: Write, tmp_path: Path) -> None:
    """A config and its folder `data` are copied together."""
    (tmp_path / "data").mkdir()
    write(_features(), name="val.record")
    (tmp_path / "val.record").rename(tmp_path / "data" / "val.record")
    (tmp_path / "pipeline.config").write_text(_CONFIG % "/elsewhere/models/data/val.record")
    assert len(_load(tmp_path / "pipeline.config").images) == 1


def test_a_pipeline_config_without_its_files_says_what_to_type(tmp_path: Path) -> None:
    """Most configs come without their data."""
    config = tmp_path / "pipeline.config"
    config.write_text(_CONFIG % "PATH_TO_BE_CONFIGURED/val.record")
    with pytest.raises(DatasetError, match=r"PATH_TO_BE_.*name the TFRecords themselves"):
        _load(config)


def test_records_with_names_need_no_label_map(write: Write, tmp_path: Path) -> None:
    """Configs name one that stayed elsewhere."""
    write(_features())
    config = tmp_path / "pipeline.config"
    config.write_text(_CONFIG % "val.record")
    dataset = _load(config)
    assert dataset.categories == {3: "cat"}
    assert dataset.notices == ()
