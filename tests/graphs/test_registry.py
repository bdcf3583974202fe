"""The table of feature extractors, and the refusals of types that are not in it."""

import importlib
import pkgutil

import pytest
import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs import extractors
from validation.graphs.extractor import ExtractorEntry
from validation.graphs.families import FAMILIES, network_name
from validation.graphs.registry import extractor_entry


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_type_is_in_its_family(kind: str) -> None:
    """The family that the table names has an entry for the type."""
    assert isinstance(extractor_entry(kind, "line 2"), ExtractorEntry)


def test_every_family_is_in_the_table() -> None:
    """No module has an entry that the table does not lead to."""
    entries = {}
    for module in pkgutil.iter_modules(extractors.__path__):
        family = importlib.import_module(f"{extractors.__name__}.{module.name}")
        entries |= dict.fromkeys(getattr(family, "ENTRIES", {}), module.name)
    assert entries == dict(FAMILIES)


def identity(image: tf.Tensor, _options: object) -> list[tf.Tensor]:
    """No network at all."""
    return [image]


def test_given_extractors_come_first() -> None:
    """A caller's entry stands in for the table's, and adds types."""
    mine = ExtractorEntry(identity)
    given = {"ssd_mobilenet_v1": mine, "mine": mine}
    assert extractor_entry("ssd_mobilenet_v1", "line 2", given) is mine
    assert extractor_entry("mine", "line 2", given) is mine
    assert extractor_entry("ssd_mobilenet_v2", "line 2", given) is not mine


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "ssd_mobilnet_v1",
            r"unknown feature extractor 'ssd_mobilnet_v1' \(line 2\).*ssd_mobilenet_v1",
        ),
        ("xyz", "the closest known ones are .*, .*, "),
        ("ssd_mobilenet_v2_keras", "ssd_mobilenet_v2_keras belongs to the TensorFlow 2 OD API"),
        ("ssd_resnet50_v1_fpn_keras", "belongs to the TensorFlow 2 OD API .*line 2"),
        ("ssd_efficientnet-b0_bifpn_keras", "belongs to the TensorFlow 2 OD API"),
        ("ssd_mobilenet_v2_mnasfpn_keras", "export it with the TensorFlow 2 OD API"),
        ("ssd_pnasnet", "ssd_pnasnet is not supported .*frozen_inference_graph.pb"),
        ("spaghettinet_edgetpu_xl", "closest known ones are spaghettinet_edgetpu_"),
    ],
)
def test_refusals(kind: str, message: str) -> None:
    """Each kind of unknown type is distinguished, with the place and what to do."""
    with pytest.raises(ConfigError, match=message):
        extractor_entry(kind, "line 2")


def test_spaghettinet_is_named_by_its_architecture() -> None:
    """The type alone does not tell which of the three it is; the OD API defaults to m."""
    assert network_name("ssd_spaghettinet", "spaghettinet_edgetpu_l") == "spaghettinet_edgetpu_l"
    assert network_name("ssd_spaghettinet", "") == "spaghettinet_edgetpu_m"
    assert network_name("ssd_mobilenet_v1", "") == "ssd_mobilenet_v1"
