"""Label maps of the OD API are read as people write them, or refused by line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from validation.errors import DatasetError
from validation.labels.items import is_items
from validation.labels.label_list import Numbering, is_gap
from validation.labels.reading import parse_labels

_FEW = settings(max_examples=60, deadline=None)
_NAMES = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    .map(str.strip)
    .filter(lambda n: not is_gap(n))
)


def _names(text: str) -> dict[int, str]:
    labels = parse_labels(text)
    assert labels.numbering is Numbering.FROM_ONE
    return dict(zip(labels.numbers, labels.names, strict=True))


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
    # A class whose name is its own number has none.
    labels = {number: name for number, name in labels.items() if name != str(number)}
    assume(labels)
    text = "".join(
        blank.join([opening, f"name: {_quoted('n' + name, quote)}", f"id:{number}",
                    f"display_name: {_quoted(name, quote)}", "}"]) + blank
        for number, name in labels.items()
    )  # fmt: skip
    assert is_items(text)
    assert _names(text) == labels
    assert _names("\ufeff" + blank + text) == labels


@_FEW
@given(st.text(alphabet="item{}<>[]:'\"\\#,; \nidname1x", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way than its own."""
    for candidate in (text, f"item {{ {text}"):
        with contextlib.suppress(DatasetError):
            labels = parse_labels(candidate)
            assert any(not is_gap(name) for name in labels.names)
            assert len(labels.numbers) in (0, len(labels.names))


def test_name_serves_where_no_display_name_is() -> None:
    """display_name is for people; name alone will do."""
    text = "item { id: 1 name: '/m/1' display_name: 'person' } item { name: 'car' id: 2 }"
    assert _names(text) == {1: "person", 2: "car"}


def test_fields_that_are_not_needed_are_skipped() -> None:
    """Key points, lists, enums and other brackets do not disturb."""
    text = """
    # COCO
    item < id: 7; name: "a",
      keypoints { id: 99 label: "nose }" } keypoints: < id: 98 >
      ancestor_ids: ["x", 'y'] descendant_ids: [] frequency: COMMON instance_count: 3
    >"""
    assert _names(text) == {7: "a"}


def test_escapes_are_bytes() -> None:
    """Octal and hexadecimal escapes make up UTF-8, as in protobuf text format."""
    text = r"""item { id: 1 name: 'caf\303\251 \xe2\x82\xac \'\"\t\\' }"""
    assert _names(text) == {1: "café € '\"\t\\"}


def test_background_item_is_no_class() -> None:
    """Id 0 is the background's, written out or left out."""
    text = "item { id: 0 name: 'background' } item { display_name: '???' } item {id:1 name:'a'}"
    assert _names(text) == {1: "a"}


@pytest.mark.parametrize(
    "text",
    [
        "item { id: 1 name: \u201ctraffic light\u201d }\nitem { id: 3 name: \u2018car\u2019 }",
        "item { id: 1 name: \u201etraffic light\u201c }\nitem { id: 3 name: \u201dcar\u201d }",
        "item {\n  name: traffic light\n  id: 1\n}\nitem {\n  id: 3\n  name: car\n}",
        "item { name: traffic light id: 1 } item { id: 3 name: car }",
        "item { name: traffic light, id: 1, }, item { id: 3, name: car }",
        "item { id: '1'; name: 'traffic light'; }; item { id: \"3\", name: \"car\" };",
        "item: < id: 1\n display_name: traffic light\n name: '/m/0' > item { id: 3 name: car }",
        "item { id: 1 name: 'traffic ' 'light' } item { id: 3 name: \"c\" 'ar' }",
    ],
)
def test_what_people_write_is_read(text: str) -> None:
    """Quotes of word processors, names without quotes, commas, and numbers in quotes."""
    assert _names(text) == {1: "traffic light", 3: "car"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
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
        _names(text)


def test_error_is_at_the_line_that_is_wrong() -> None:
    """Not at the next one, where a parser of tokens would notice."""
    text = "item {\n  id: 1\n  name: 'a'\n}\nitem {\n  id: x\n  name: 'b'\n}"
    with pytest.raises(DatasetError, match=r"line 6.: .*the id 'x'"):
        parse_labels(text)
