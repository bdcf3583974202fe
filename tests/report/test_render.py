"""The pages themselves: complete, self-contained, well formed and safe."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, pages_of, render_run

from validation.errors import ArtefactError
from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.pictures import Panel, Picture
from validation.record.quantisation_cost import (
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
)
from validation.record.run import Header
from validation.record.store import RECORD_NAME
from validation.record.types import (
    Background,
    CheckResult,
    Measure,
    ModelKey,
    PublishedFigure,
)
from validation.report import render
from validation.specs.tensors import TensorSpec

_FIDELITY = ErrorStatistics(9, 0.0, 1.0, 0.1, 20.0, 0.9)

Write = Callable[..., Path]


def test_page_parser_sees_imbalance() -> None:
    """The tool of these tests does notice a missing end."""
    with pytest.raises(AssertionError, match="tags left open"):
        Page("<p><b></b>")
    with pytest.raises(AssertionError):
        Page("<p></b>")


@pytest.fixture
def pages(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> dict[str, Page]:
    """The pages of the example run."""
    return pages_of(render_run(write_run(entries), policy))


def test_files(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> None:
    """An index, the matrix and one page a model, readable by all, and no temporary file left."""
    run = write_run(entries)
    index = render_run(run, policy)
    assert index == run / "index.html"
    assert sorted(path.name for path in run.iterdir()) == [
        "index.html",
        "matrix.html",
        "model-person.html",
        RECORD_NAME,
    ]
    assert index.stat().st_mode & 0o777 == 0o644


def test_rendering_twice_gives_the_same(
    write_run: Write, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """Pages depend on nothing but the record and the policy."""
    run = write_run(entries)
    first = render_run(run, policy).read_bytes()
    assert render_run(run, policy).read_bytes() == first


def test_self_contained(pages: dict[str, Page]) -> None:
    """No page asks for anything that is not in it, and none runs any script but its own."""
    script = (Path(render.__file__).parent / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    for page in pages.values():
        assert not {"link", "iframe", "object"} & page.tags
        assert page.scripts == [script]
        assert not page.values("src")
        assert all(
            re.fullmatch(
                r"#[\w.-]+|(index|matrix|model-person)\.html(#[\w-]+)?|files/person[\w.-]+"
                r"|data:image/jpeg;base64,[\w+/=]+",
                value,
            )
            for value in page.values("href")
        )
        assert not [name for _, name, _ in page.attributes if name.startswith("on")]
        assert (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ) in page.values("content")
    for name in ("report.css", "first_page.css", "report.js"):
        assert "http" not in (Path(render.__file__).parent / name).read_text()


def test_links_lead_somewhere(pages: dict[str, Page]) -> None:
    """Each link names a page and an anchor that exist."""
    for name, page in pages.items():
        for link in page.values("href"):
            if link.startswith("data:"):
                continue
            target, _, anchor = link.partition("#")
            assert target in ("", *pages) or target.startswith("files/")
            if anchor:
                assert anchor in pages[target or name].values("id")


def test_index_tells_everything(pages: dict[str, Page]) -> None:
    """Verdict, reasons, subject, table, time, environment and the way to read it."""
    text = pages["index.html"].text
    for expected in (
        "FAIL Run 2026-01-02-night",
        "Not to be signed: raw_parity of int8.",
        "raw_parity int8 the largest difference is in a box; box_encodings_max_abs_diff 0.31 "
        "(\u2264 0.001)",
        "person-int8: raw_parity: the largest difference is in a box; "
        "box_encodings_max_abs_diff is 0.31, should be at most 0.001",
        "1 model in 2 variants (float, int8)",
        "80 images of coco-tiny",
        "tensorflow 2.21.0",
        "0.1948 0.1694 -0.0254 0.4487 3.6e-04 box_encodings_max_abs_diff \u2264 0.001 0 of 128 "
        "12.18 MB 9.75 13.40 5.75",
        "export 7.25 s",
        "Unaccounted",
        "Counts as not signed.",
        "This run cannot be signed: its verdict is FAIL",
    ):
        assert expected in text
    for word in ("PASS", "WARN", "FAIL", "UNKNOWN"):
        assert word in text


def test_model_page_tells_everything(pages: dict[str, Page], entries: tuple[Entry, ...]) -> None:
    """Every check, measure, value, reason and position is on the model's page."""
    text = pages["model-person.html"].text
    for entry in entries:
        if isinstance(entry, CheckResult):
            assert entry.check in text
            assert entry.message in text
            assert entry.where in text
            for measure in entry.measures:
                assert measure.name in text
                if measure.limit is not None:
                    assert measure.limit.reason in text
    for expected in (
        "11,502 \u2265 1",
        "3.6e-04 \u2264 0.001 6.4e-04 PASS float rounding",
        "0.31 \u2264 0.001 -0.309 FAIL",
        "1.2e-06 \u2264 1.0e-04",
        "float .tflite, exporter default 10 detections",
        "80 images; categories 1; scores from 0 What ran",
        "800 detections",
        "0.1694 -0.0254",
        "n/a: no such ground truth",
        "LiteRT 1 10 4 9.00 9.75 13.40 14.00",
        "person 0.93",
        "frozen graph 1 detection",
        "float no detections",
        "12.92 MB 12,923,854 bytes a package MIT",
        "c3" * 32,
    ):
        assert expected in text
    assert text.index("int8 FAIL") < text.index("box_encodings_max_abs_diff 0.31")


def test_what_is_known_is_shown_as_not_measured(pages: dict[str, Page]) -> None:
    """Figures and traps are set apart from what the run found, and said to be the publisher's."""
    page = pages["model-person.html"]
    assert (
        "What is known of this archive SSD for persons, 300x300 Published figures "
        "Figure Published "
        "mAP in percent, converted elsewhere 23.3212 ms for an image on another machine 30 "
        "The publisher's own figures, on other images or other hardware than this run's. "
        "None of them was measured here, and none takes part in the verdict. "
        "Traps The checkpoint is model.ckpt-400000. The predictor has no batch norm."
    ) in page.text
    assert "#known" in page.values("href")


def test_quantisation_is_shown_by_output_and_by_layer(pages: dict[str, Page]) -> None:
    """The worst rows at once, all of them folded; the first page has none of it."""
    page = pages["model-person.html"]
    assert (
        "What quantisation costs int8: class_predictions 24.6 dB "
        "Against the exported graph in a TensorFlow session" in page.text
    )
    assert (
        "class_predictions int8, step 0.003906 0 \u2026 0.96 24.6 0.0019 0.486 0.9981" in page.text
    )
    assert "3 CONV_2D net/3/Relu6 int8, step 0.02 0 \u2026 5.1 0 \u2026 5.1 324 12.2" in page.text
    assert "All 21 layers, in the order of execution" in page.text
    assert page.text.count("net/3/Relu6") == 2
    assert "1 layer without a counterpart in the float file" in page.text
    assert "#layers" in page.values("href")
    assert "What quantisation costs" not in pages["index.html"].text


def test_float_models_have_no_section_on_quantisation(write_run: Write, policy: Policy) -> None:
    """No heading stands over nothing."""
    run = write_run([Background("person", traps=("A trap.",))])
    page = pages_of(render_run(run, policy))["model-person.html"]
    assert "quantisation" not in page.text
    assert "#quantisation" not in page.values("href")


@pytest.mark.parametrize(
    ("background", "shown", "hidden"),
    [
        (
            Background("person", traps=("A trap.",)),
            "What is known of this archive Traps A trap.",
            "Published",
        ),
        (Background("person", "Only described."), "Artefacts", "nown"),
    ],
)
def test_only_what_is_known_is_shown(
    write_run: Write, policy: Policy, background: Background, shown: str, hidden: str
) -> None:
    """No heading stands over nothing, and no link leads to it."""
    page = pages_of(render_run(write_run([background]), policy))["model-person.html"]
    assert shown in page.text
    assert hidden not in page.text.replace("UNKNOWN", "")


def test_same_picture_in_each_panel(pages: dict[str, Page]) -> None:
    """Both sides show the image, which is there once; the one without detections has no box."""
    page = pages["model-person.html"]
    images = [value for tag, name, value in page.attributes if (tag, name) == ("image", "href")]
    assert len(images) == 1
    shown = [value for tag, name, value in page.attributes if (tag, name) == ("use", "href")]
    assert shown == ["#image.1", "#image.1"]
    assert page.values("class").count("box") == 1


def test_markup_in_names_is_escaped(write_run: Write, header: Header, policy: Policy) -> None:
    """Names that look like markup are shown as text, on every page."""
    evil = "<script>alert('x')</script>\"><img src=x onerror=y>"
    key = ModelKey(evil, "float")
    selected = dataclasses.replace(header, run=evil, selection=(key,), options={evil: evil})
    found = (
        CheckResult.judged(
            evil, key, (Measure(evil, evil, Limit("equal", "x", evil)),), where=evil, message=evil
        ),
        Picture(
            evil,
            evil,
            64,
            48,
            '"><script>',
            (Panel.of(evil, Detections(((0, 0, 1, 1),), (0.5,), (1,))),),
            {"1": evil},
        ),
        Background(evil, evil, (PublishedFigure(evil, 1, evil),), (evil,)),
        QuantisationCost(
            evil,
            evil,
            evil,
            1,
            1,
            (OutputError(TensorSpec(evil, evil, (1,)), _FIDELITY, constant=True),),
            (LayerError(1, evil, TensorSpec(evil, evil, (1,)), evil),),
        ),
    )
    pages = pages_of(render_run(write_run(found, header=selected), policy))
    assert sorted(pages)[0] == "index.html"
    for page in pages.values():
        assert len(page.scripts) == 1
        assert "onerror" not in [name for _, name, _ in page.attributes]
        assert "<script>alert('x')</script>" in page.text


def test_failed_write_keeps_the_old_page(
    write_run: Write,
    entries: tuple[Entry, ...],
    policy: Policy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When a page cannot be put in place, the old one stays and nothing else is left."""
    run = write_run(entries)
    before = render_run(run, policy).read_bytes()

    def refuse(source: Path, target: Path) -> Path:
        raise OSError(f"disk full: {source} {target}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(ArtefactError, match="disk full"):
            render_run(run, policy)
    assert (run / "index.html").read_bytes() == before
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


def test_tensorflow_is_not_needed(
    write_run: Write, entries: tuple[Entry, ...], tmp_path: Path
) -> None:
    """A report is made where neither TensorFlow nor LiteRT nor NumPy can be imported."""
    script = tmp_path / "report.py"
    script.write_text(
        "import sys\n"
        "for name in ('tensorflow', 'tf_slim', 'tf_keras', 'ai_edge_litert', 'numpy'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from run_pages import Page, pages_of, render_run\n"
        "print(render_run(Path(sys.argv[1])))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(write_run(entries))],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONWARNINGS": "error",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    assert done.stderr == ""
    assert done.stdout.strip().endswith("index.html")
