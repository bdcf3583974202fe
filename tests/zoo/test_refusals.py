"""Zoo models that are no SSD are refused by name, with what to take instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.errors import CatalogueError, UsageError
from validation.zoo.catalogue import load_catalogue
from validation.zoo.refusals import Refusal, load_refusals, refuse

_ENTRY = """
version = 1
[[refused]]
name = "rfcn_a"
archive = "rfcn_a_2018"
architecture = "an R-FCN"
instead = "ssd_b"
"""


def _load(tmp_path: Path, text: str) -> tuple[Refusal, ...]:
    path = tmp_path / "refusals.toml"
    path.write_text(text)
    return load_refusals(path)


def test_every_model_of_the_zoo_is_either_known_or_refused() -> None:
    """23 names are refused, none of them known, each with an SSD of the zoo in its place."""
    refusals = load_refusals()
    assert len({refusal.name for refusal in refusals}) == 23
    assert len({refusal.archive for refusal in refusals}) == 23
    known = {entry.name for entry in load_catalogue().select("tf1")}
    assert {refusal.instead for refusal in refusals} <= known
    assert not {refusal.name for refusal in refusals} & known
    for refusal in refusals:
        family = refusal.name.split("_")[0]
        assert (
            refusal.architecture
            == {
                "faster": "a Faster R-CNN",
                "mask": "a Mask R-CNN",
                "rfcn": "an R-FCN",
                "context": "a Context R-CNN",
            }[family]
        )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "faster_rcnn_inception_v2_coco",
            r"faster_rcnn_inception_v2_coco is a Faster R-CNN \(--model\): expected an SSD.*; "
            "use an SSD such as ssd_inception_v2_coco$",
        ),
        ("rfcn_resnet101_coco_2018_01_28", "rfcn_resnet101_coco is an R-FCN .*ssd_resnet_50_fpn"),
        ("context_rcnn_resnet101_snapshot_serengeti", "is a Context R-CNN"),
    ],
)
def test_refusal_says_what_it_is_and_what_to_use(name: str, message: str) -> None:
    """The error names the architecture, the option and an SSD."""
    with pytest.raises(UsageError, match=message):
        refuse(name, "--model")


@pytest.mark.parametrize("name", ["ssd_mobilenet_v1_coco", "faster_rcnn", "*", ""])
def test_other_names_pass(name: str) -> None:
    """A name is refused as a whole or not at all."""
    refuse(name)


@pytest.mark.parametrize("name", ["faster_rcnn_nas", "mask_rcnn_inception_v2_coco"])
def test_selection_of_a_refused_model_says_so(name: str) -> None:
    """Asked for as the zoo or as the model, it is told apart from a slip of the pen."""
    catalogue = load_catalogue()
    with pytest.raises(UsageError, match=rf"{name} is a .* R-CNN \(--zoo\)"):
        catalogue.select(name)
    for zoo in ("tf1", "person"):
        with pytest.raises(UsageError, match=rf"{name} is a .* R-CNN \(--model\)"):
            catalogue.select(zoo, name)
    with pytest.raises(UsageError, match="no model of tf1 matches"):
        catalogue.select("tf1", f"{name}x")


def test_list_of_refusals_is_read(tmp_path: Path) -> None:
    """What stands in the file stands in the dataclass."""
    assert _load(tmp_path, _ENTRY) == (Refusal("rfcn_a", "rfcn_a_2018", "an R-FCN", "ssd_b"),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "version = 2", "another layout.*refusals.toml"),
        ("version = 1", "version = 1\nmore = 1", "unknown key 'more'"),
        ("[[refused]]", "[[refuse]]", "unknown key 'refuse'.*'refused'"),
        ("instead", "insted", r"unknown key 'insted' .*refused 'rfcn_a'.*mean 'instead'"),
        ('instead = "ssd_b"', "", "key 'instead' is missing"),
        ('"ssd_b"', '"ssd b"', "instead is wrong"),
        ('"an R-FCN"', '""', "architecture is wrong"),
        (_ENTRY, "version = 1", "'refused' is missing"),
    ],
)
def test_wrong_list_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """The list is read as strictly as the catalogue."""
    with pytest.raises(CatalogueError, match=message):
        _load(tmp_path, _ENTRY.replace(old, new))
