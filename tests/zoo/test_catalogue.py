"""The catalogue is read strictly."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from catalogue_text import SOURCES, Values, document, listed, load
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import CatalogueError
from validation.zoo.catalogue import load_catalogue
from validation.zoo.catalogue_file import ModelTable
from validation.zoo.entry import FolderSource, HttpsSource, PackageSource, PypiSource
from validation.zoo.integrity import Digest, Sha384Digest

_FEW = settings(max_examples=40, deadline=None)
_KEYS = {each.name for each in dataclasses.fields(ModelTable)}
_OPTIONAL = {"labels", "published", "subfolder", "traps", "unpacked_bytes"}


def test_shipped_catalogue_has_the_person_detector() -> None:
    """The product's own catalogue loads, and its one entry is complete."""
    (entry,) = load_catalogue().select("person")
    assert entry.name == "ssdlite_mobilenet_v2_person"
    assert entry.labels is not None
    assert entry.labels.by_number == {1: "person"}
    assert entry.licence == "MIT"
    assert entry.digest is not None
    assert entry.digest.size_bytes == 11_603_528
    assert isinstance(entry.source, PypiSource)
    assert entry.source.member_digest.size_bytes == 12_923_854
    assert hash(entry) == hash(load_catalogue().select("person")[0])


@pytest.mark.parametrize("kind", SOURCES)
def test_every_field_of_an_entry_is_read(kind: str) -> None:
    """What stands in the file stands in the dataclass, for each kind of source."""
    (entry,) = load(document(listed(kind))).entries
    assert (entry.name, entry.group, entry.licence, entry.origin) == (
        "ssd_tiny",
        "tiny",
        "MIT",
        "nowhere",
    )
    assert entry.digest == Digest("a" * 64, 5)
    assert entry.unpacked_bytes == 50
    assert entry.labels is not None
    assert entry.labels.by_number == {1: "person", 3: "car"}
    assert entry.subfolder == "fp32"
    assert entry.published == {"coco_map_minival": 21, "speed_ms_titanx": 30.5}
    assert entry.traps == ("The first.", "The second.")
    assert not entry.trust_first_download
    if isinstance(entry.source, HttpsSource):
        assert entry.source.filename == "ssd_tiny.tar.gz"
    elif isinstance(entry.source, PypiSource):
        assert entry.source.filename == "some_package-1.0.whl"
        assert entry.source.member_digest == Digest("b" * 64, 7)
    elif isinstance(entry.source, PackageSource):
        assert entry.source == PackageSource("more/ssd_tiny.tar.gz")
    else:
        assert isinstance(entry.source, FolderSource)
        assert entry.source.path.is_absolute()
        assert entry.source.path.parts[-2:] == ("bundled", "ssd_tiny")


def test_folder_may_come_without_digest() -> None:
    """A folder of this machine needs no sha256; one half of a digest is still an error."""
    model = listed("folder")
    del model["sha256"], model["size_bytes"]
    assert load(document(model)).entries[0].digest is None
    with pytest.raises(CatalogueError, match="'size_bytes' is missing"):
        load(document({**model, "sha256": "a" * 64}))


def _unpinned(kind: str = "https", **stated: object) -> Values:
    model = listed(kind)
    del model["sha256"], model["size_bytes"]
    return {**model, **stated}


def test_url_may_come_with_another_hash_or_with_none() -> None:
    """A sha384 stands in for the sha256; to trust the first download must be said."""
    (entry,) = load(document(_unpinned(sha384="c" * 96, size_bytes=9))).entries
    assert entry.digest == Sha384Digest("c" * 96, 9)
    assert not entry.trust_first_download
    (entry,) = load(document(_unpinned(trust_first_download=True))).entries
    assert entry.digest is None
    assert entry.trust_first_download


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_unpinned(), "'sha256' is missing"),
        (_unpinned(sha384="c" * 96), r"one thing must say .*got sha384$"),
        (_unpinned(sha384="c" * 64, size_bytes=9), "sha384 is wrong.*96 lower-case hexadecimal"),
        (_unpinned(sha384="c" * 96, size_bytes=0), "size_bytes is wrong"),
        (listed(sha384="c" * 96), "one thing must say .*got sha256, sha384, size_bytes$"),
        (
            listed(trust_first_download=True),
            "one thing must say .*got sha256, size_bytes, trust",
        ),
        (_unpinned(trust_first_download=False), "one thing must say .*got trust_first_download$"),
        (_unpinned(trust_first_download=1), "trust_first_download is wrong.*true or false, got 1"),
        (_unpinned("pypi", trust_first_download=True), "one thing must say .*for a URL"),
        (_unpinned("folder", trust_first_download=True), "one thing must say"),
        (_unpinned("pypi", sha384="c" * 96, size_bytes=9), "one thing must say"),
        (_unpinned("package"), "'sha256' is missing"),
        (_unpinned("package", trust_first_download=True), "one thing must say"),
    ],
)
def test_one_thing_says_what_a_file_is(model: Values, message: str) -> None:
    """No hash, two of them, or trust where there need be none is an error."""
    with pytest.raises(CatalogueError, match=message):
        load(document(model))


def test_label_set_is_named() -> None:
    """Models that share their classes name a set of the file; a slip finds the nearest."""
    head = 'version = 1\nlabel_sets.coco = { "1" = "person", "3" = "car" }'
    labels = load(document(listed(labels="coco"), head=head)).entries[0].labels
    assert labels is not None
    assert labels.by_number == {
        1: "person",
        3: "car",
    }
    with pytest.raises(CatalogueError, match=r"unknown label set 'koko' .*tiny.*mean 'coco'"):
        load(document(listed(labels="koko"), head=head))
    with pytest.raises(CatalogueError, match=r"a label is .*label_sets coco\): got 0 = 'x'"):
        load(document(listed(), head='version = 1\nlabel_sets.coco = { "0" = "x" }'))


def test_catalogue_may_come_in_files(tmp_path: Path) -> None:
    """Entries of several files follow each other; a name is unique over all of them."""
    paths = (tmp_path / "a.toml", tmp_path / "b.toml")
    paths[0].write_text(document(listed(name="one")))
    paths[1].write_text(document(listed(name="two", group="other")))
    assert [entry.name for entry in load_catalogue(*paths).entries] == ["one", "two"]
    assert load_catalogue(*paths).groups == ("tiny", "other")
    with pytest.raises(CatalogueError, match=r"two models called 'one' \(a\.toml\)"):
        load_catalogue(paths[0], paths[0])


def test_file_may_say_that_it_lists_nothing(tmp_path: Path) -> None:
    """An empty list that is written out is no slip, and makes no group."""
    path = tmp_path / "none.toml"
    path.write_text("version = 1\nmodel = []\n")
    assert load_catalogue(path).groups == ()


@_FEW
@given(st.sampled_from(["https", "pypi", "package"]), st.data())
def test_dropped_key_is_named(kind: str, data: st.DataObject) -> None:
    """Whichever key is missing, the error names it and the entry."""
    model = listed(kind)
    table = data.draw(st.sampled_from([model, model["source"]]))
    key = data.draw(st.sampled_from(sorted(set(table) - _OPTIONAL)))
    del table[key]
    where = r"model 1\b" if key == "name" else "model 'ssd_tiny'"
    with pytest.raises(CatalogueError, match=f"'{key}' is missing .*{where}"):
        load(document(model))


@_FEW
@given(st.sampled_from(sorted(SOURCES)), st.booleans(), st.data())
def test_renamed_key_is_answered_by_the_closest(
    kind: str, longer: bool, data: st.DataObject
) -> None:
    """A slip in a key is an error that names the key that was meant, and the entry."""
    model = listed(kind)
    table = data.draw(st.sampled_from([model, model["source"]]))
    key = data.draw(st.sampled_from(sorted(set(table) - {"name", "kind"})))
    slip = f"{key}x" if longer else key[:-1]
    table[slip] = table.pop(key)
    with pytest.raises(CatalogueError, match=f"unknown key '{slip}'.*ssd_tiny.*mean '{key}'"):
        load(document(model))


@_FEW
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_no_foreign_key_is_overlooked(key: str) -> None:
    """Any key that the loader does not know is refused."""
    model = listed()
    key = f"{key}x" if key in model or key in _KEYS else key
    with pytest.raises(CatalogueError, match=r"unknown key.*did you mean"):
        load(document({**model, key: 1}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a b"}, "name is wrong.*letters"),
        ({"name": "../a"}, "name is wrong"),
        ({"group": 3}, r"group is wrong \(.*model 'ssd_tiny'\): expected letters.*, got 3"),
        ({"licence": " "}, "licence is wrong"),
        ({"sha256": "A" * 64}, "sha256 is wrong.*lower-case"),
        ({"sha256": "a" * 63}, "sha256 is wrong"),
        ({"size_bytes": 0}, "size_bytes is wrong.*above 0"),
        ({"size_bytes": True}, "size_bytes is wrong.*got True"),
        ({"size_bytes": "5"}, "size_bytes is wrong"),
        ({"unpacked_bytes": -1}, "unpacked_bytes is wrong"),
        ({"labels": {"0": "background"}}, "a label is an id from 1 up.*got 0 = 'background'"),
        ({"labels": {"one": "person"}}, "a label is an id"),
        ({"labels": {"1": ""}}, "a label is an id"),
        ({"labels": 4}, r"labels is wrong \(catalogue.toml, model 'ssd_tiny'\): .*got 4"),
        ({"subfolder": "../fp32"}, "subfolder is wrong.*downwards"),
        ({"published": {"coco_map": 21}}, "unknown key 'coco_map'.*'coco_map_minival'"),
        ({"published": {"coco_map_minival": "21"}}, "coco_map_minival is wrong.*above 0"),
        ({"published": {"coco_map_minival": True}}, "coco_map_minival is wrong"),
        ({"published": {"coco_map_minival": 0}}, "coco_map_minival is wrong.*got 0"),
        ({"published": {"coco_map_minival": math.inf}}, "coco_map_minival is wrong.*got inf"),
        ({"published": {"coco_map_minival": math.nan}}, "coco_map_minival is wrong.*got nan"),
        ({"traps": "one"}, "traps is wrong.*a list"),
        ({"traps": ["one", " "]}, "traps 2 is wrong"),
        ({"traps": [1]}, "traps 1 is wrong.*a text, got 1"),
        ({"source": "https"}, "source is wrong.*a table"),
        ({"source": {"kind": "htps"}}, "unknown kind of source 'htps'.*did you mean 'https'"),
        (
            {"source": {"kind": "https", "url": "ftp://a.example/b"}},
            "url is wrong.*https://host/path/file",
        ),
        (
            {"source": {"kind": "https", "url": "https:///b.tar"}},
            "url is wrong.*https://host/path/file",
        ),
        (
            {"source": {"kind": "https", "url": "https://a.example/"}},
            "url is wrong.*https://host/path/file",
        ),
        (
            {"source": {"kind": "https", "url": "https://[a/b"}},
            "url is wrong.*https://host/path/file",
        ),
        ({"source": {**SOURCES["pypi"], "package": "--index-url"}}, "package is wrong"),
        ({"source": {**SOURCES["pypi"], "member": "/a"}}, "member is wrong.*downwards"),
        ({"source": {**SOURCES["pypi"], "member": "a\\b"}}, "member is wrong"),
        ({"source": {**SOURCES["pypi"], "member": "a\0b"}}, "member is wrong"),
        ({"source": {"kind": "package", "member": "../a.tar.gz"}}, "member is wrong.*downwards"),
        ({"source": {"kind": "package", "member": "/a.tar.gz"}}, "member is wrong.*downwards"),
        ({"source": {"kind": "folder", "folder": "a/../../b"}}, "folder is wrong"),
        ({"source": {"kind": "folder", "folder": "."}}, "folder is wrong"),
    ],
)
def test_wrong_value_is_named(change: Values, message: str) -> None:
    """A value of the wrong type or form is an error that says what is right."""
    with pytest.raises(CatalogueError, match=message):
        load(document(listed(**change)))


def test_plain_http_is_read_but_not_without_its_hash() -> None:
    """An http URL is as good as https, because the sha256 must stand beside it."""
    model = listed(source={"kind": "https", "url": "http://files.example/a.tar.gz"})
    assert load(document(model)).entries[0].source == HttpsSource("http://files.example/a.tar.gz")
    del model["sha256"]
    with pytest.raises(CatalogueError, match="'sha256' is missing"):
        load(document(model))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = ", "the file cannot be read"),
        (document(listed(), head="version = 2"), "another layout.*version = 1.*got 2"),
        (document(listed(), head=""), "another layout.*expected version = 1$"),
        (document(listed(), head="version = 1\nmodels = 3"), "unknown key 'models'.*'model'"),
        ("version = 1", "the key 'model' is missing"),
        ("version = 1\nmodel = 3", "model is wrong.*a list, got 3"),
        (document(3), r"model 1 is wrong \(catalogue.toml\): expected a table"),
        (document(listed(), listed()), "two models called 'ssd_tiny'"),
    ],
)
def test_wrong_document_is_refused(text: str, message: str) -> None:
    """The document as a whole is checked before its entries."""
    with pytest.raises(CatalogueError, match=message):
        load(text)


def test_missing_catalogue_is_refused(tmp_path: Path) -> None:
    """A catalogue that is not there is an error of the harness's own."""
    with pytest.raises(CatalogueError, match=r"cannot be read \(none.toml\)"):
        load_catalogue(tmp_path / "none.toml")
