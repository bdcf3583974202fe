"""The catalogue of the TF1 detection model zoo: complete, and true to what was published."""

from __future__ import annotations

import pytest

from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import PUBLISHED_FIGURES, CatalogueEntry, HttpsSource
from validation.zoo.integrity import Sha384Digest

_ENTRIES = {entry.name: entry for entry in load_catalogue().select("tf1")}


def _url(entry: CatalogueEntry) -> str:
    assert isinstance(entry.source, HttpsSource)
    return entry.source.url


def test_every_ssd_of_the_zoo_is_there() -> None:
    """24 archives; two of them hold two models each."""
    assert len({_url(entry) for entry in _ENTRIES.values()}) == 24
    assert len(_ENTRIES) == 26
    shared = {name: entry.subfolder for name, entry in _ENTRIES.items() if entry.subfolder}
    assert shared == {
        "ssd_mobiledet_edgetpu_coco_fp32": "fp32",
        "ssd_mobiledet_edgetpu_coco_uint8": "uint8",
        "ssd_mobiledet_dsp_coco_fp32": "fp32",
        "ssd_mobiledet_dsp_coco_uint8": "uint8",
    }


@pytest.mark.parametrize(
    ("name", "archive"),
    [
        ("ssd_mobilenet_v1_coco", "ssd_mobilenet_v1_coco_2018_01_28"),
        ("ssd_mobilenet_v2_coco", "ssd_mobilenet_v2_coco_2018_03_29"),
        ("ssd_mobiledet_cpu_coco", "ssdlite_mobiledet_cpu_320x320_coco_2020_05_19"),
        ("spaghettinet_edgetpu_l", "tf1/spaghettinet_edgetpu_l_2021_10_13"),
    ],
)
def test_archives_are_those_of_the_zoo(name: str, archive: str) -> None:
    """The URL is the zoo's own."""
    start = "http://download.tensorflow.org/models/object_detection/"
    assert _url(_ENTRIES[name]) == f"{start}{archive}.tar.gz"


def test_one_archive_asks_for_a_login() -> None:
    """The archive on another host says so among its traps."""
    (other,) = [
        entry for entry in _ENTRIES.values() if "download.tensorflow.org" not in _url(entry)
    ]
    assert other.name == "ssd_mobilenet_edgetpu_coco"
    assert "login" in other.traps[0]


def test_what_is_known_of_a_file_is_pinned() -> None:
    """Five archives have a published SHA-384, every other one is trusted on first download."""
    sizes = {
        name: entry.digest.size_bytes
        for name, entry in _ENTRIES.items()
        if isinstance(entry.digest, Sha384Digest)
    }
    assert sizes == {
        "ssd_mobilenet_v1_coco": 76_541_073,
        "ssd_mobilenet_v1_fpn_coco": 135_664_441,
        "ssd_resnet_50_fpn_coco": 366_947_246,
        "ssd_mobilenet_v2_coco": 187_925_923,
        "ssdlite_mobilenet_v2_coco": 51_025_348,
    }
    for name, entry in _ENTRIES.items():
        assert entry.trust_first_download == (name not in sizes)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (
            "ssd_mobilenet_v1_coco",
            {"coco_map_minival": 21, "speed_ms_titanx": 30, "coco_map_val2017_openvino": 23.3212},
        ),
        ("ssd_mobilenet_v3_small_coco", {"coco_map_minival": 15.4, "latency_ms_pixel1": 43}),
        ("ssd_mobiledet_dsp_coco_fp32", {"coco_map_minival_fp32": 28.9}),
        (
            "ssd_mobiledet_edgetpu_coco_uint8",
            {"coco_map_minival_uint8": 25.6, "latency_ms_pixel4_edgetpu": 6.9},
        ),
        (
            "facessd_mobilenet_v2_quantized_open_image_v4",
            {"open_images_map50": 73, "speed_ms_titanx": 20},
        ),
        (
            "spaghettinet_edgetpu_s",
            {
                "coco_map_2017_uint8": 26.3,
                "latency_ms_pixel6_edgetpu": 1.3,
                "latency_ms_pixel6_edgetpu_and_cpu": 1.8,
            },
        ),
    ],
)
def test_figures_are_the_published_ones(name: str, figures: dict[str, float]) -> None:
    """Accuracy and latency stand under names that say how they were measured."""
    assert _ENTRIES[name].published == figures


def test_every_figure_is_explained_and_used() -> None:
    """No model is without a published accuracy, and no name of a figure without a model."""
    assert all(any("map" in name for name in entry.published) for entry in _ENTRIES.values())
    assert {name for entry in _ENTRIES.values() for name in entry.published} == set(
        PUBLISHED_FIGURES
    )


def test_classes_are_named() -> None:
    """COCO models have the 80 names by the label map's ids; Open Images needs a label map."""
    for name, entry in _ENTRIES.items():
        labels = {} if entry.labels is None else entry.labels.by_number
        if name.startswith("facessd"):
            assert labels == {1: "face"}
        elif name.endswith("oidv4"):
            assert labels == {}
            assert any("label map" in trap for trap in entry.traps)
        else:
            assert len(labels) == 80
            assert (labels[1], labels[13], labels[90]) == ("person", "stop sign", "toothbrush")
