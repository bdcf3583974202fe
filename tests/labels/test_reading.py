"""Label files of any layout that say the same names give the same names, or are refused."""

from __future__ import annotations

import codecs
import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_files import LimitFiles

from validation.errors import DatasetError
from validation.labels.alignment import align
from validation.labels.label_list import is_background, is_gap
from validation.labels.reading import parse_labels, read_labels

_FEW = settings(max_examples=60, deadline=None)
# Names as label files have them; commas and quotes have tests of their own.
_NAMES = st.from_regex(r"[A-Za-z][\w./&() -]{0,12}[a-z)]", fullmatch=True).filter(
    lambda name: not is_gap(name) and not is_background(name)
)

_Labels = Mapping[int, str]
_Writer = Callable[[_Labels, int], str]


def _numbered(form: str, first: int) -> _Writer:
    """Lines with a number, the first class ``first``; classes without a name have no line."""
    return lambda names, _: "\n".join(
        form.format(id=number - 1 + first, name=name) for number, name in names.items()
    )


def _in_order(gap: str, *, head: str = "", end: str = "\n") -> _Writer:
    """A line for every class, and for the background where it is counted."""
    return lambda names, count: (
        head + end.join(names.get(number, gap) for number in range(1, count + 1)) + end
    )


def _json_map(first: int) -> _Writer:
    return lambda names, _: json.dumps({key - 1 + first: name for key, name in names.items()})


_NUMBERED = ("{id} {name}", "{id}  {name}", "{id}: {name}", "{id},{name}", "{id}\t{name}",
             "{id}. {name}", "{id} - {name}", "{id}={name}", "{id};{name}", "{name}:{id}",
             "({id}) {name}", "{id}) {name}", "#{id} {name}", "{id} -> {name}", '"{id}": "{name}",',
             "{name},{id}", "{name}\t{id}")  # fmt: skip
# With numbers: what names only some of the classes.
_STATED: dict[str, _Writer] = {
    "items": lambda names, _: "".join(
        f"item {{\n  id: {number}\n  name: '{name}'\n}}\n" for number, name in names.items()
    ),
    "items without quotes": lambda names, _: "".join(
        f"item {{ name: \u201c{name}\u201d, id: {number} }}\n" for number, name in names.items()
    ),
    "CSV": lambda names, _: "id,name\n" + _numbered("{id},{name}", 1)(names, 0),
    "CSV, name first": lambda names, _: "Name,Id\n" + _numbered("{name},{id}", 1)(names, 0),
    "COCO": lambda names, _: json.dumps(
        {"categories": [{"id": number, "name": name} for number, name in names.items()]}
    ),
    "list of objects": lambda names, _: json.dumps(
        [{"id": number, "display_name": name} for number, name in names.items()], indent=1
    ),
    "JSON from 1": _json_map(1),
    "name to id": lambda names, _: json.dumps({name: number for number, name in names.items()}),
    "Python": lambda names, _: repr(dict(names)),
    "Hugging Face": lambda names, _: json.dumps({"a": 1, "id2label": dict(names)}),
    "data.yaml": lambda names, _: "path: x\nnames:  # all\n" + "".join(
        f"  {number}: {name}\n" for number, name in names.items()
    ),
    **{f"{form} from 1": _numbered(form, 1) for form in _NUMBERED},
    "background numbered": lambda names, count: "0: background\n"
    + _numbered("{id}: {name}", 1)({**names, count: names.get(count, "n/a")}, 0),
}  # fmt: skip
# These have the first class at 0; where it has no name, nothing shows that.
_FROM_ZERO: dict[str, _Writer] = {
    "JSON from 0": _json_map(0),
    **{f"{form} from 0": _numbered(form, 0) for form in _NUMBERED},
}
_ORDERED: dict[str, _Writer] = {
    "lines": _in_order("???"),
    "lines of Windows": _in_order("N/A", end="\r\n", head="\ufeff"),
    "empty lines": _in_order(""),
    "??? first": _in_order("???", head="???\n"),
    "background first": _in_order("n/a", head="background\n"),
    "__background__ first": _in_order("n/a", head="__background__\n"),
    "remark": _in_order("n/a", head="# classes\n"),
    "bullets": lambda names, count: "".join(
        f"- {names.get(number, '???')}\n" for number in range(1, count + 1)
    ),
    "Open Images": lambda names, count: "".join(
        f"/m/0{number},{names.get(number, '???')}\n" for number in range(1, count + 1)
    ),
    "Open Images with head": lambda names, count: "LabelName,DisplayName\n" + "".join(
        f"/m/0{number},{names.get(number, '???')}\n" for number in range(1, count + 1)
    ),
    "JSON list": lambda names, count: json.dumps(
        [names.get(number) for number in range(1, count + 1)]
    ),
    "one line": lambda names, count: ", ".join(
        names.get(number, "NA") for number in range(1, count + 1)
    ),
    "quoted": lambda names, count: "".join(
        f"'{names.get(number, '???')}',\n" for number in range(1, count + 1)
    ),
    "data.yaml": lambda names, count: f"nc: {count}\nnames: " + repr(
        [names.get(number, "???") for number in range(1, count + 1)]
    ) + "\ntrain: x\n",
    "data.yaml, block": lambda names, count: "names:\n" + "".join(
        f"  - {names.get(number, '???')}\n" for number in range(1, count + 1)
    ) + f"nc: {count}\n",
    "data.yaml, no quotes": lambda names, count: "names: [" + ", ".join(
        names.get(number, "???") for number in range(1, count + 1)
    ) + "]\n",
}  # fmt: skip


@st.composite
def _label_maps(draw: st.DrawFn) -> tuple[dict[int, str], int]:
    """Names of some of a model's classes, and the number of its classes; two names at least."""
    names = draw(st.lists(_NAMES, min_size=2, max_size=8, unique_by=str.casefold))
    gaps = draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    labels: dict[int, str] = {}
    for name, gap in zip(names, gaps, strict=True):
        labels[max(labels, default=0) + 1 + gap] = name
    return labels, max(labels)


@_FEW
@given(_label_maps())
def test_any_layout_gives_the_same_names(case: tuple[dict[int, str], int]) -> None:
    """Whatever the layout: the same names for the same classes, the others named as unnamed."""
    labels, count = case
    unnamed = tuple(sorted(set(range(1, count + 1)) - set(labels)))
    for layout, write in _STATED.items():
        text = write(labels, count)
        aligned = align(parse_labels(text), count)
        assert align(parse_labels("\ufeff" + text.replace("\n", "\r\n")), count) == aligned, layout
        assert (dict(aligned.names), aligned.unnamed) == (labels, unnamed), layout
        assert not aligned.surplus, layout
    # Where the first class has no name, the first line could as well be the background's.
    labels = {1: "first", **labels}
    for layout, write in (_ORDERED | _FROM_ZERO).items():
        text = write(labels, count)
        aligned = align(parse_labels(text), count)
        assert dict(aligned.names) == labels, layout
        windows = text.replace("\r", "").replace("\n", "\r\n")
        assert align(parse_labels(windows), count) == aligned, layout


@_FEW
@given(st.text(alphabet="0129 :,;=\t\n-'\"[]{}?#abn/names", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a reader fail in another way than its own, and no reading is half done."""
    for candidate in (text, "{" + text, "[" + text, "names:" + text, "id,name\n" + text):
        with contextlib.suppress(DatasetError):
            labels = parse_labels(candidate)
            assert any(not is_gap(name) for name in labels.names)
            assert len(labels.numbers) in (0, len(labels.names))
            for count in (1, 2, 5):
                with contextlib.suppress(DatasetError):
                    aligned = align(labels, count)
                    assert len(aligned.names) + len(aligned.unnamed) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,\"dog, small\"\n2,cat", {1: "dog, small", 2: "cat"}),
        ("1,dog, small\n2,cat", {1: "dog, small", 2: "cat"}),
        ('id,name\n1,"dog, small"\n2,cat', {1: "dog, small", 2: "cat"}),
        ("index;class\n0;dog\n1;cat", {1: "dog", 2: "cat"}),
        ("class,label\ndog,0\ncat,1", {1: "dog", 2: "cat"}),
        ("index,mid,display_name\n0,/m/01,dog\n1,/m/02,cat", {1: "dog", 2: "cat"}),
        ("0\n1", {1: "0", 2: "1"}),
        ("dog 0\ncat 1", {1: "dog", 2: "cat"}),
        ("LABELS = ['dog',  # 0\n 'cat']", {1: "dog", 2: "cat"}),
        ("zone 1\nzone 2", {1: "zone 1", 2: "zone 2"}),
        ("boeing 747\nairbus 320", {1: "boeing 747", 2: "airbus 320"}),
        ('"0": "dog",\n"1": "cat",', {1: "dog", 2: "cat"}),
        ('"dog": 1,\n"cat": 2,', {1: "dog", 2: "cat"}),
        ("classes: [dog, cat]", {1: "dog", 2: "cat"}),
        ("labels:\n  1: dog\n  2: cat\n", {1: "dog", 2: "cat"}),
        ("3d printer\n7 up", {1: "3d printer", 2: "7 up"}),
        ("#tag dog\n#tag cat", {1: "#tag dog", 2: "#tag cat"}),
        ("dog;cat", {1: "dog", 2: "cat"}),
        ("dog # the first\ncat #", {1: "dog", 2: "cat"}),
        (",name\n0,dog\n1,cat", {1: "dog", 2: "cat"}),
        ('{"dog": {"id": 1}, "cat": {"id": 2}}', {1: "dog", 2: "cat"}),
        ('{"id": 1, "name": "dog"}\n{"id": 2, "name": "cat"}\n', {1: "dog", 2: "cat"}),
        ('{"label_map": {"1": "dog", "2": "cat"}}', {1: "dog", 2: "cat"}),
        ("nc: 2\nnames:\n- 'it''s'\n- \"a, b\" # x\n", {1: "it's", 2: "a, b"}),
        ("names: {0: dog, 1: 'cat, small'}", {1: "dog", 2: "cat, small"}),
        ("names: [\n  'dog',\n  'cat'\n]\n", {1: "dog", 2: "cat"}),
        ("names:\n- dog\n- cat\n\nroboflow:\n  license: x\n", {1: "dog", 2: "cat"}),
        ('{"1": {"id": 1, "name": "dog"}, "2": {"id": 2, "name": "cat"}}', {1: "dog", 2: "cat"}),
        ('{"item": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]}', {1: "dog", 2: "cat"}),
    ],
)  # fmt: skip
def test_layouts_with_a_twist(text: str, expected: dict[int, str]) -> None:
    """Commas within names, digits that are names, heads in other words."""
    assert dict(align(parse_labels(text), 2).names) == expected


@pytest.mark.parametrize(
    "text",
    [
        "item { id: 0 name: 'none_of_the_above' } item { id: 1 name: 'a' } "
        "item { id: 2 name: '2' } item { id: 3 display_name: '3' } item { id: 4 name: 'b' }",
        "0: a\n1: none\n2: none\n3: b",
        "label2string = {0: 'a', 1: 'Unknown', 2: 'unknown', 3: 'b'}",
        '{"1": "a", "2": null, "3": null, "4": "b"}',
        "a\nunused\nunused\nb",
        "a\nNA\nNA\nb",
    ],
)
def test_words_that_fill_a_place_are_no_names(text: str) -> None:
    """The same word for several classes, or a class's own number."""
    aligned = align(parse_labels(text), 4)
    assert (dict(aligned.names), aligned.unnamed) == ({1: "a", 4: "b"}, (2, 3))


def test_digits_and_single_words_are_names() -> None:
    """Classes may be digits, and one of them may be called none."""
    digits = "item { id: 1 name: '1' } item { id: 2 name: '2' }"
    assert dict(align(parse_labels(digits), 2).names) == {1: "1", 2: "2"}
    assert dict(align(parse_labels("mask\nnone"), 2).names) == {1: "mask", 2: "none"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no class"),
        ("???\n", "names no class"),
        ("node {\n}", r"one name a line \(line 1\): got 'node \{'"),
        ("version https://git-lfs.github.com/spec/v1\noid x\nsize 2", "a Git LFS pointer; .*pull"),
        ("<!DOCTYPE html><html>", "got an HTML page"),
        ("\0\0", "got binary data"),
        ("1 person\ncar\n3 dog", "some lines have a number.*got '1 person' and"),
        ("1: 7\n2: 8", "read in two ways.*'1: 7'"),
        ("1,7\n2,8", "read in two ways.*'1,7'"),
        ("#1 fan\n#2 fan", "two ways.*'#1 fan': the number counts the lines, or belongs"),
        ("class0: dog\nclass1: cat", "two ways.*'class0: dog': the number counts the lines"),
        ("1st floor\n2nd floor", "two ways.*write one class a line as `1: name`"),
        ("2 door\n2 seater", "label id 2 is used twice: got 'door' and 'seater'"),
        ("1,dog,x\n2,cat,y", "a table of classes without a head.*such as id,name"),
        ("filename,width,class,xmin\na.jpg,9,dog,1", "got a table of annotations: filename, width"),
        ("id,name\nx,dog\ny,cat", "table of classes cannot be read .column id.*got x, y"),
        ('{"1": "dog", "1": "cat"}', "key '1' is used twice"),
        ("{0: 'dog', 0: 'cat'}", "key is used twice .line 1"),
        ('{"1": "dog",', "cannot be parsed as JSON .line 1"),
        ('{"a": "b"}', "names no classes .the document.*got 'a'"),
        ('[{"id": 1, "name": "dog"}, {"name": "cat"}]', "others have none.*key|others have none"),
        ('{"1": {"id": 2, "name": "dog"}}', "an entry contradicts its key"),
        ("nc: 3\nnames: [dog, cat]", "contradicts itself: expected 3 names, as nc says, got 2"),
        ("names: data/obj.names\n", "names no classes itself.*got data/obj.names"),
        ("names: [dog", "the list is never closed"),
        ("classes= 2\ntrain= a\nnames = data/obj.names", "names no classes itself.*got data/obj"),
        ("id: 1\nname: 'dog'", r"one name a line \(line 1\): got 'id: 1'"),
    ],
)  # fmt: skip
def test_what_is_no_label_list_is_refused(text: str, message: str) -> None:
    """Another kind of file, or a list that has two readings, is refused with what it is."""
    with pytest.raises(DatasetError, match=message):
        parse_labels(text)


def test_file_names_itself_in_errors(tmp_path: Path) -> None:
    """Errors of a file say which file, and the line where there is one."""
    path = tmp_path / "labels.txt"
    path.write_text("person\ncar\n")
    assert read_labels(path).source == "labels.txt"
    path.write_text("wheel {\n}\n")
    with pytest.raises(DatasetError, match=r"\(.*labels\.txt, line 1\)"):
        read_labels(path)
    path.write_text("\n")
    with pytest.raises(DatasetError, match=r"no class \(.*labels\.txt\)"):
        read_labels(path)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"cannot be read .*labels.*: expected text in UTF-8"):
        read_labels(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_labels(tmp_path / "none.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    """Notepad and PowerShell write UTF-16."""
    path = tmp_path / "labels.txt"
    path.write_text("1: caf\u00e9\n2: car\n", encoding)
    assert read_labels(path).names == ("caf\u00e9", "car")
    assert encoding != "utf-16" or path.read_bytes().startswith(codecs.BOM_UTF16_LE)


def test_lines_are_bounded_by_the_policy(tmp_path: Path, limit_files: LimitFiles) -> None:
    """A file of a million short lines would take minutes, and names no classes."""
    path = tmp_path / "labels.txt"
    limit_files(read_label_lines=20)
    path.write_text("\n".join(f"name{number}" for number in range(21)))
    assert len(read_labels(path).names) == 21
    path.write_text("\n".join(f"name{number}" for number in range(22)))
    with pytest.raises(DatasetError, match=r"more than 20 lines \(setting read_label_lines"):
        read_labels(path)
