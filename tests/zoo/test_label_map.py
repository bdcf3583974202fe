"""Label maps are read in both forms, or refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import DatasetError
from validation.zoo.label_map import is_label_map, parse_label_map, read_label_map

_FEW = settings(max_examples=60, deadline=None)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def _quoted(name: str, quote: str) -> str:
    escaped = name.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")
    return f"{quote}{escaped}{quote}"


@_FEW
@given(
    st.dictionaries(st.integers(1, 10**9 - 1), _NAMES, min_size=1, max_size=8),
    st.sampled_from("'\""),
    st.sampled_from([" ", "\n", "\r\n\t", " # a remark: { ' \n"]),
    st.sampled_from(["item {", "item{", "item: {"]),
)
def test_items_come_back(labels: dict[int, str], quote: str, blank: str, opening: str) -> None:
    """What is written as items is read, whatever the quotes, blanks and names."""
    text = "".join(
        blank.join([opening, f"name: {_quoted('n' + name, quote)}", f"id:{number}",
                    f"display_name: {_quoted(name, quote)}", "}"]) + blank
        for number, name in labels.items()
    )  # fmt: skip
    assert is_label_map(text)
    assert parse_label_map(text) == labels
    assert parse_label_map("\ufeff" + blank + text) == labels


@_FEW
@given(st.lists(st.from_regex(r"[a-z][a-z ]{0,8}[a-z]", fullmatch=True), min_size=1))
def test_lines_count_from_one(names: list[str]) -> None:
    """A plain list gives ids from 1, and a first line for the background changes nothing."""
    expected = dict(enumerate(names, 1))
    if names[0] == "background":
        names = ["???", *names]
    assert parse_label_map("\n".join(names)) == expected
    assert parse_label_map("\r\n".join(["???", *names, "", ""])) == expected
    assert parse_label_map("\ufeff" + "\n".join(["background", *names])) == expected


@_FEW
@given(st.text(alphabet="item{}<>[]:'\"\\#,; \nidname1x", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way than its own."""
    for candidate in (text, f"item {{ {text}"):
        try:
            labels = parse_label_map(candidate)
        except DatasetError:
            continue
        assert labels
        assert all(number >= 1 and name for number, name in labels.items())


def test_gap_in_a_plain_list_keeps_the_count() -> None:
    """An id that no class has is left out, and the ids after it stay."""
    assert parse_label_map("???\nperson\n???\ncar\n") == {1: "person", 3: "car"}


def test_name_serves_where_no_display_name_is() -> None:
    """display_name is for people; name alone will do."""
    text = "item { id: 1 name: '/m/1' display_name: 'person' } item { name: 'car' id: 2 }"
    assert parse_label_map(text) == {1: "person", 2: "car"}


def test_fields_that_are_not_needed_are_skipped() -> None:
    """Key points, lists, enums and other brackets do not disturb."""
    text = """
    # COCO
    item < id: 7; name: "a",
      keypoints { id: 99 label: "nose }" } keypoints: < id: 98 >
      ancestor_ids: ["x", 'y'] descendant_ids: [] frequency: COMMON instance_count: 3
    >"""
    assert parse_label_map(text) == {7: "a"}


def test_escapes_are_bytes() -> None:
    """Octal and hexadecimal escapes make up UTF-8, as in protobuf text format."""
    text = r"""item { id: 1 name: 'caf\303\251 \xe2\x82\xac \'\"\t\\' }"""
    assert parse_label_map(text) == {1: "café € '\"\t\\"}


def test_background_item_is_no_class() -> None:
    """Id 0 is the background's, written out or left out."""
    text = "item { id: 0 name: 'background' } item { display_name: '???' } item {id:1 name:'a'}"
    assert parse_label_map(text) == {1: "a"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no class"),
        ("???\n", "names no class"),
        ("a\n\nb", r"one name a line \(line 2\): got an empty line"),
        ("node {\n}", r"one name a line \(line 1\): got 'node \{'"),
        (
            "item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }",
            "id 1 is used twice .item 2.*'a' a",
        ),
        ("item { name: 'a' }", "without an id of its own.*0 is the background, got 'a'"),
        ("item { id: 0 name: 'a' }", "without an id of its own"),
        ("item { id: -1 name: 'a' }", "whole number from 1 up .item 1.: got -1"),
        ("item { id: x name: 'a' }", "cannot be parsed .line 1.*x"),
        ("item { id: 4 }", "label id 4 has no name"),
        ("item { id: 4 name: '' }", "label id 4 has no name"),
        ("item { id: 4 name: 'a'", "cannot be parsed"),
        ("item { id: 4 name: 'a }\n", "string without its closing quote"),
        ("item { id: 4 'name' }", "cannot be parsed .line 1."),
        ("item { id 4 }", "cannot be parsed .line 1.*4"),
        ("item { id: }", "cannot be parsed .line 1.*}"),
        ("item { id: 1 x { y: [ } }", "cannot be parsed.*'}' where"),
        ("item { id: 1 x {", "cannot be parsed"),
        ("item { id: 1 name: 'a' } node { }", "cannot be parsed .line 1.*node"),
        ("item { id: 1 name: 'a' } item [ }", "cannot be parsed"),
    ],
)
def test_wrong_label_map_is_refused(text: str, message: str) -> None:
    """What is no label map is refused with its line and what was expected."""
    with pytest.raises(DatasetError, match=message):
        parse_label_map(text)


def test_file_names_itself_in_errors(tmp_path: Path) -> None:
    """Errors of a file say which file, and the line where there is one."""
    path = tmp_path / "labels.txt"
    path.write_text("person\ncar\n")
    assert read_label_map(path) == {1: "person", 2: "car"}
    path.write_text("person\n\ncar\n")
    with pytest.raises(DatasetError, match=r"\(.*labels\.txt, line 2\)"):
        read_label_map(path)
    path.write_text("")
    with pytest.raises(DatasetError, match=r"no class \(.*labels\.txt\)"):
        read_label_map(path)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"cannot be read .*labels.*: got"):
        read_label_map(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_label_map(tmp_path / "none.txt")
