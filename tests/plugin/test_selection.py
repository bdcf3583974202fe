"""Which variants of which models a session is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.errors import UsageError
from validation.plugin.selection import select
from validation.record.types import ModelKey
from validation.zoo.entry import CatalogueEntry, FolderSource, PackageSource

_FLOAT = CatalogueEntry("plain", "zoo", FolderSource(Path("plain")))
_QAT = CatalogueEntry("qat", "zoo", FolderSource(Path("qat")), quantised=True)
_OWN = CatalogueEntry("own", "bundled", PackageSource("own.tar.gz"))
_OWN_QAT = CatalogueEntry("own_qat", "bundled", PackageSource("own_qat.tar.gz"), quantised=True)
_SEEDED = CatalogueEntry("seeded", "synthetic", FolderSource(Path("seeded")))


def _variants(keys: tuple[ModelKey, ...], model: str) -> list[str]:
    return [key.variant for key in keys if key.model == model]


def test_models_have_the_variants_that_people_ship() -> None:
    """Floats in every form, quantised models as what they were trained for."""
    keys = select([_FLOAT, _QAT, _SEEDED], (), representative=True)
    assert _variants(keys, "plain") == ["float", "raw", "float16", "dynamic", "int8"]
    assert _variants(keys, "qat") == ["uint8", "uint8-raw"]
    assert _variants(keys, "seeded") == ["float", "raw"]


def test_bundled_models_are_tried_as_what_people_ship() -> None:
    """They were trained: every form says something of them."""
    keys = select([_OWN, _OWN_QAT], (), representative=True)
    assert _variants(keys, "own") == ["float", "raw", "float16", "dynamic", "int8"]
    assert _variants(keys, "own_qat") == ["uint8", "uint8-raw"]


def test_int8_needs_images_to_calibrate_with() -> None:
    """Nothing fails by default for want of them; asked for by name it will say what it needs."""
    assert "int8" not in _variants(select([_FLOAT], (), representative=False), "plain")
    assert _variants(select([_FLOAT], ["int8"], representative=False), "plain") == ["int8"]


def test_asked_variants_stand_in_their_own_order() -> None:
    """Whatever the order on the command line."""
    keys = select([_FLOAT], ["int8", "float", "uint8"], representative=True)
    assert _variants(keys, "plain") == ["float", "int8", "uint8"]


def test_quantised_models_have_no_float_form() -> None:
    """Asked for together with float models they keep out; alone the wish is refused."""
    keys = select([_FLOAT, _QAT], ["float"], representative=True)
    assert [key.model for key in keys] == ["plain"]
    with pytest.raises(UsageError, match=r"none of the models has the variant float.*qat"):
        select([_QAT], ["float"], representative=True)
