"""Files of other tools: ends of every kind are bound, refused by name, or not to be trusted."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_tflite import ANCHORS, CLASSES, Foreign, falling_scores, write_foreign
from miniature_cases import MiniatureFiles, make_case
from PIL import Image

from validation.cli import main
from validation.errors import ArtefactMissing, ConversionError
from validation.faults.file_edits import rewrite
from validation.inference.file_notices import FileNoticeKind
from validation.inference.model_file import TfliteModel, open_tflite
from validation.inference.score_notices import score_notices
from validation.inspection.of_tflite import inspect_tflite
from validation.metadata.model_metadata import (
    ModelMetadata,
    Normalisation,
    ScoreCalibration,
    ScoreTransformation,
    TensorMetadata,
)
from validation.metadata.packing import write_with_metadata
from validation.preprocess.image import load_rgb
from validation.record.detections import Detections

_IMAGE = np.zeros((20, 20, 3), np.uint8)
_TF2 = tuple(f"StatefulPartitionedCall:{index}" for index in (3, 1, 0, 2))


def _open(path: Path, **foreign: object) -> TfliteModel:
    return open_tflite(write_foreign(path / "m.tflite", Foreign(**foreign)))  # type: ignore[arg-type]


def _kinds(model: TfliteModel) -> set[FileNoticeKind]:
    return {notice.kind for notice in model.notices} - {FileNoticeKind.NORMALISATION_ASSUMED}


def _described(*outputs: TensorMetadata) -> ModelMetadata:
    return ModelMetadata(inputs=(TensorMetadata("image"),), outputs=outputs)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_outputs_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    """And under the names that TensorFlow 2's exporters give: the op says which is which."""
    model = _open(tmp_path, order=order, names=_TF2)
    found = model.detector().detect(_IMAGE)
    assert len(found) == ANCHORS
    assert found.scores[0] == pytest.approx(0.9)
    assert found.classes.tolist()[:3] == [1, 2, 1]
    assert _kinds(model) == set()


def test_outputs_of_no_detector_are_ignored(tmp_path: Path) -> None:
    """And named."""
    model = _open(tmp_path, extra=True)
    assert len(model.detector().detect(_IMAGE)) == ANCHORS
    assert "are ignored: scores" in " ".join(notice.describe() for notice in model.notices)
    notes = " ".join(inspect_tflite(model.path).notes)
    assert "are ignored: scores" in notes
    assert "not in the op's order" not in notes


def test_count_is_missing(tmp_path: Path) -> None:
    """Every slot with a score is read."""
    model = _open(tmp_path, order=(2, 0, 1))
    assert len(model.detector().detect(_IMAGE)) == ANCHORS
    assert _kinds(model) == {FileNoticeKind.COUNT_MISSING}


def test_boxes_or_scores_are_missing(tmp_path: Path) -> None:
    """Nothing can be made of the rest."""
    with pytest.raises(ConversionError, match=r"no classes and no scores.*--output_arrays"):
        _open(tmp_path, order=(0, 3))
    encodings_alone = ("raw_outputs/box_encodings", "others")
    with pytest.raises(ConversionError, match="--output_arrays=raw_outputs/box_encodings,raw_"):
        _open(tmp_path, raw=encodings_alone)


def test_raw_outputs_in_the_guides_order(
    miniature: MiniatureFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Class predictions first: the same detections, in every command."""
    build = make_case(miniature).build
    export = build.exported(add_postprocessing_op=False).graph.parent
    raw = build.tflite("raw")

    def reverse(model: Any) -> None:
        model.subgraphs[0].outputs = model.subgraphs[0].outputs[::-1]

    swapped = rewrite(raw, tmp_path / "swapped.tflite", reverse)
    image = load_rgb(next(miniature.images.iterdir()))
    one, other = (open_tflite(path, export=export).detector() for path in (raw, swapped))
    assert one.detect(image) == other.detect(image)
    command = ["compare", str(raw), str(swapped), f"--export_directory={export}"]
    assert main([*command, f"--images={miniature.images}"]) == 0
    assert "0 by the first alone, 0 by the second alone" in capsys.readouterr().out


def test_raw_outputs_under_other_names(miniature: MiniatureFiles, tmp_path: Path) -> None:
    """The shapes that the export states tell them apart; without an export nothing does."""
    build = make_case(miniature).build
    export = build.exported(add_postprocessing_op=False).graph.parent

    def rename(model: Any) -> None:
        graph = model.subgraphs[0]
        for place, index in enumerate(graph.outputs):
            graph.tensors[index].name = f"Identity_{place}".encode()

    path = rewrite(build.tflite("raw"), tmp_path / "m.tflite", rename)
    model = open_tflite(path, export=export)
    assert FileNoticeKind.OUTPUTS_BY_SHAPE in _kinds(model)
    image = load_rgb(next(miniature.images.iterdir()))
    expected = open_tflite(build.tflite("raw"), export=export).detector().detect(image)
    assert model.detector().detect(image) == expected
    with pytest.raises(ConversionError, match="--export_directory"):
        open_tflite(path)


def test_raw_outputs_without_an_export(tmp_path: Path) -> None:
    """What is missing and which flag names it."""
    with pytest.raises(ArtefactMissing, match="--export_directory"):
        _open(tmp_path, raw=("raw_outputs/box_encodings", "raw_outputs/class_predictions"))


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (b"edgetpu-custom-op", "compiled for the Edge TPU.*uncompiled file, street.tflite"),
        (b"FlexSplit", "FlexSplit.*without SELECT_TF_OPS"),
        (b"Strange", "custom ops that LiteRT does not know.*Strange"),
    ],
)
def test_ops_that_no_plain_runtime_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], op: bytes, said: str
) -> None:
    """Every command says what they are; nothing asks for a newer LiteRT."""
    path = write_foreign(tmp_path / "street_edgetpu.tflite", Foreign(custom=op))
    image = tmp_path / "x.png"
    with pytest.raises(ConversionError, match=said):
        open_tflite(path).detector()
    Image.fromarray(_IMAGE).save(image)
    for command in (["detect", str(path), str(image)], ["compare", str(path), str(path)]):
        assert main(command) == 1
        assert ("Edge TPU" if b"edgetpu" in op else op.decode()) in capsys.readouterr().err
    notes = inspect_tflite(path).notes
    assert any(op.decode() in note for note in notes)
    step = said.rpartition(".*")[2] if op != b"Strange" else "give a file"
    (refused,) = (note for note in notes if note.startswith("detect and evaluate do not run it"))
    assert step in refused


@pytest.mark.parametrize(
    ("scale", "kind"),
    [
        ((1.0, 0), FileNoticeKind.SCALE_OF_ONE),
        ((0.0, 0), FileNoticeKind.SCALE_UNUSABLE),
        ((float("nan"), 0), FileNoticeKind.SCALE_UNUSABLE),
        ((0.25, 0), FileNoticeKind.SCORES_COARSE),
        ((1 / 256, 0), None),
    ],
)
def test_degenerate_quantisation_of_scores(
    tmp_path: Path, scale: tuple[float, int], kind: FileNoticeKind | None
) -> None:
    """Named by inspect as by the file that is opened, with what comes of it."""
    model = _open(tmp_path, scores_scale=scale)
    assert _kinds(model) == ({kind} - {None})
    assert [each.not_trusted for each in model.notices if each.kind is kind] == [True] * bool(kind)
    notes = inspect_tflite(model.path).notes
    assert any("not to be trusted" in note for note in notes) is (kind is not None)


def test_input_of_scale_one(tmp_path: Path) -> None:
    """Right where the model normalises inside; said, and nothing more."""
    model = _open(tmp_path, image="uint8", scale=(1.0, 0))
    assert _kinds(model) == {FileNoticeKind.INPUT_SCALE_OF_ONE}
    assert not any(notice.moves_figures for notice in model.notices)


def test_score_steps_of_the_metadata_are_not_applied(tmp_path: Path) -> None:
    """The Task Library does them; each is named."""
    path = write_foreign(tmp_path / "m.tflite")
    score = TensorMetadata(
        "score",
        score_threshold=0.25,
        score_calibration=ScoreCalibration(ScoreTransformation.LOG, 0.5),
    )
    plain = tuple(TensorMetadata(name) for name in ("location", "category"))
    count = TensorMetadata("number of detections")
    write_with_metadata(path, _described(*plain, score, count), path)
    model = open_tflite(path)
    assert _kinds(model) == {
        FileNoticeKind.THRESHOLD_NOT_APPLIED,
        FileNoticeKind.CALIBRATION_NOT_APPLIED,
    }
    text = " ".join(notice.describe() for notice in model.notices)
    assert "threshold of 0.25" in text
    assert "log, default score 0.5" in text


def test_metadata_that_describes_the_outputs_in_another_order(tmp_path: Path) -> None:
    """The op's own order counts; apps that go by the metadata read something else."""
    names = ("location", "category", "score", "number of detections")
    path = write_foreign(tmp_path / "m.tflite", Foreign(order=(0, 2, 1, 3)))
    write_with_metadata(path, _described(*map(TensorMetadata, names)), path)
    model = open_tflite(path)
    assert model.detector().detect(_IMAGE).scores[0] == pytest.approx(0.9)
    (text,) = (each.describe() for each in model.notices if "metadata does not" in each.describe())
    assert "output 1 is scores, described as 'category'" in text
    assert _kinds(_open(tmp_path)) == set()


def test_float_input_that_is_quantised_inside(tmp_path: Path) -> None:
    """Found in the file."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(inner_scale=(1.0, -128)))
    assert FileNoticeKind.INNER_RANGE_DIFFERS in _kinds(open_tflite(path))
    assert len(open_tflite(path).detector().detect(_IMAGE)) == ANCHORS


def test_detections_named_by_metadata_alone(tmp_path: Path) -> None:
    """Four outputs of something that is not the op, in the order of the metadata."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(without_op=True))
    with pytest.raises(ConversionError, match=r"metadata that names them location, category"):
        open_tflite(path)
    assert any("detect and evaluate do not run it" in note for note in inspect_tflite(path).notes)
    names = ("location", "category", "score", "number of detections")
    write_with_metadata(path, _described(*map(TensorMetadata, names)), path)
    model = open_tflite(path)
    found = model.detector().detect(_IMAGE)
    assert found.classes.tolist() == [1, 2]
    assert (model.num_classes, _kinds(model)) == (None, {FileNoticeKind.OUTPUTS_BY_METADATA})
    roles = [end.role for end in inspect_tflite(path).outputs]
    assert roles == ["boxes", "classes", "scores", "count"]


@pytest.mark.parametrize("low", [-3.0, 0.1])
def test_logits_in_place_of_scores(tmp_path: Path, low: float) -> None:
    """Scores outside of [0, 1] are said to be what they are."""
    scores = falling_scores() * 5 + low
    model = _open(tmp_path, scores=scores)
    (notice,) = score_notices([model.detector().detect(_IMAGE)])
    assert (notice.kind, notice.not_trusted) == (FileNoticeKind.SCORES_ARE_LOGITS, True)
    assert "logits" in notice.describe()
    assert "no score converter was found" in notice.describe()


def test_scores_that_rank_nothing(tmp_path: Path) -> None:
    """All 0.500."""
    model = _open(tmp_path, scores=np.full((ANCHORS, CLASSES + 1), 0.5, np.float32))
    (notice,) = score_notices([model.detector().detect(_IMAGE)])
    assert "have the score 0.500" in notice.describe()
    assert score_notices([]) == ()
    few = Detections(np.zeros((2, 4)), [0.5, 0.5], [1, 1])
    assert score_notices([few]) == ()
    broken = Detections(np.full((1, 4), np.nan), [0.5], [1])
    assert [each.kind for each in score_notices([broken])] == [FileNoticeKind.NOT_FINITE]


def test_evaluate_says_what_is_not_to_be_trusted(
    miniature: MiniatureFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the figures, and in the JSON."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(scores=falling_scores() * 9))
    images = [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]
    assert main(["evaluate", str(path), *images]) == 0
    out, err = capsys.readouterr()
    assert out.index("not to be trusted: the scores are logits") < out.index("  AP ")
    assert "not stated in the file; assuming 127.5/127.5" in err
    assert main(["evaluate", str(path), *images, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["trusted"] is False
    kinds = [notice["kind"] for notice in document["notices"]]
    assert kinds == ["normalisation_assumed", "scores_are_logits"]


def test_inspect_does_not_believe_metadata_that_no_byte_stands_for(tmp_path: Path) -> None:
    """Mean 0 and std 1 on a uint8 input: the pixel is fed and stands for what its scale says."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(image="uint8", scale=(0.0078125, 128)))
    image = TensorMetadata("image", normalisation=Normalisation((0.0,), (1.0,)))
    plain = tuple(map(TensorMetadata, "abcd"))
    write_with_metadata(path, ModelMetadata(inputs=(image,), outputs=plain), path)
    facts = inspect_tflite(path)
    assert facts.preprocessing is not None
    assert facts.preprocessing.feed == "uint8, the pixel as it is: stands for [-1, 0.9922]"
    assert any("--feed=quantised would feed [0, 255]" in note for note in facts.notes)


def test_inspect_says_what_keeps_a_file_from_being_fed(tmp_path: Path) -> None:
    """A std of 0 in the metadata of a float input, and an input that is no image."""
    path = write_foreign(tmp_path / "m.tflite")
    image = TensorMetadata("image", normalisation=Normalisation((0.0,), (0.0,)))
    plain = tuple(map(TensorMetadata, "abcd"))
    write_with_metadata(path, ModelMetadata(inputs=(image,), outputs=plain), path)
    assert any(
        "makes no sense; state it with --input_stats" in n for n in inspect_tflite(path).notes
    )

    def twice(model: Any) -> None:
        model.subgraphs[0].inputs = [0, 1]

    rewrite(write_foreign(path), path, twice)
    assert any("do not run it: the file's input is not" in n for n in inspect_tflite(path).notes)


def test_inspect_and_open_say_the_same(tmp_path: Path) -> None:
    """One answer to what is fed: the notices are the same, the export beside the file included."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(image="uint8", scale=(0.0078125, 128)))
    assert inspect_tflite(path).notices == open_tflite(path).notices
    contract = tmp_path / "tflite_graph.json"
    contract.write_text("{}")
    assert any(notice.kind is FileNoticeKind.EXPORT_IGNORED for notice in open_tflite(path).notices)
    assert inspect_tflite(path).notices == open_tflite(path).notices
    shutil.rmtree(tmp_path)
