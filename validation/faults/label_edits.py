"""Changes to labelled images and to the names of classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from validation.faults.fault import Case

Inject = Callable[[Case], None]
Box = tuple[float, float, float, float]
# A box as COCO has it, and width and height of its image.
BoxEdit = Callable[[Box, float, float], Sequence[float]]


def in_annotations(change: Callable[[dict[str, Any]], None]) -> Inject:
    """Work on COCO's json."""

    def inject(case: Case) -> None:
        about = json.loads(case.annotations.read_text(encoding="utf-8"))
        change(about)
        case.annotations.write_text(json.dumps(about), encoding="utf-8")

    return inject


def map_categories(new: Callable[[int, int], int]) -> Inject:
    """Another category of every object.

    Args:
        new: Takes an id and how many categories there are.
    """

    def change(about: dict[str, Any]) -> None:
        count = len(about["categories"])
        for item in about["annotations"]:
            item["category_id"] = new(item["category_id"], count)

    return in_annotations(change)


def rename_categories(new: Callable[[list[str]], list[str]]) -> Inject:
    """Other names of the categories, in the order of their ids."""

    def change(about: dict[str, Any]) -> None:
        names = new([each["name"] for each in about["categories"]])
        for each, name in zip(about["categories"], names, strict=True):
            each["name"] = name

    return in_annotations(change)


def change_boxes(new: BoxEdit) -> Inject:
    """Other numbers in every box."""

    def change(about: dict[str, Any]) -> None:
        sizes = {each["id"]: (each["width"], each["height"]) for each in about["images"]}
        for item in about["annotations"]:
            item["bbox"] = [float(each) for each in new(item["bbox"], *sizes[item["image_id"]])]

    return in_annotations(change)


def other_files(about: dict[str, Any]) -> None:
    """The labels of each image are those of another one of its size, as far as there is one."""
    by_place = about["images"]
    moved = [*by_place[1:], by_place[0]]
    target = {image["id"]: other["id"] for image, other in zip(by_place, moved, strict=True)}
    for item in about["annotations"]:
        item["image_id"] = target[item["image_id"]]


def only_first_category(about: dict[str, Any]) -> None:
    """Objects of the first category alone are labelled."""
    about["annotations"] = [each for each in about["annotations"] if each["category_id"] == 1]


def without_every_second(about: dict[str, Any]) -> None:
    """Every second image has lost its objects."""
    ids = sorted(each["id"] for each in about["images"])
    lost = set(ids[1::2])
    about["annotations"] = [each for each in about["annotations"] if each["image_id"] not in lost]


def without_objects(about: dict[str, Any]) -> None:
    """Nothing is labelled."""
    about["annotations"] = []


def in_label_map(new: Callable[[list[str]], list[str]]) -> Inject:
    """Other lines of the label map."""

    def inject(case: Case) -> None:
        names = case.label_map.read_text(encoding="utf-8").splitlines()
        write_lines(case.label_map, new(names))

    return inject


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """One name a line."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def exchanged(first: int, second: int) -> Callable[[list[str]], list[str]]:
    """Two names change places."""

    def new(names: list[str]) -> list[str]:
        result = list(names)
        result[first], result[second] = names[second], names[first]
        return result

    return new
