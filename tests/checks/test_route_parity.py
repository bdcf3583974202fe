"""Two routes to one model, on a small model of a true architecture."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_ssd
from image_runs import image_runs
from zoo_archives import entries_at

from validation.checks.archive import archive
from validation.checks.route_parity import route_parity
from validation.errors import GraphError
from validation.export.archive_writer import PREFIX
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint, write_checkpoint
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.run import Artefact, Step
from validation.record.types import CheckResult, ModelKey
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.workspace.routes import Unconfirmed
from validation.zoo.canaries import load_canaries

_FROZEN = "frozen_inference_graph.pb"
_REWRITER = "graph_rewriter { quantization { } }\n"


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one whole archive of a model quantised in training; not to be changed."""
    zoo = tmp_path_factory.mktemp("quantised")
    small_ssd.write_small_archive(zoo / "small", small_ssd.TEXT + _REWRITER)
    return zoo


@pytest.fixture
def zoo(small_zoo: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(small_zoo, tmp_path / "zoo"))


def _context(zoo: Path, cache: Path, variant: str = "raw") -> CheckContext:
    steps: list[Step] = []
    (entry,) = entries_at(zoo)
    build = ModelBuild(
        entry,
        ProductCache(cache / "work", steps.append),
        cache_dir=cache,
        offline=True,
        on_step=steps.append,
    )
    canaries = load_canaries()
    inference = ModelInference(
        build, image_runs(image_files(None, canaries), build.work, steps.append)
    )
    key = ModelKey(entry.name, variant)
    return CheckContext(key, build, inference, load_policy(), None, canaries, (key,))


def _judge(context: CheckContext) -> CheckResult:
    (result,) = [e for e in route_parity(context) if isinstance(e, CheckResult)]
    return result


def _origin(context: CheckContext) -> str:
    (reference,) = [
        entry
        for entry in archive(context)
        if isinstance(entry, Artefact) and entry.role == "reference"
    ]
    return reference.origin


def test_routes_of_one_archive_agree(zoo: Path, tmp_path: Path) -> None:
    """Graph, config and checkpoint tell the same story; all three tensors are compared."""
    result = _judge(_context(zoo, tmp_path / "cache"))
    assert result.status is Status.PASS
    values = {measure.name: measure.value for measure in result.measures}
    assert values["anchors_max_abs_diff"] <= 1e-6
    assert values["box_encodings_max_abs_diff"] <= 1e-5


def test_frozen_weights_stand_in_for_a_checkpoint(zoo: Path, tmp_path: Path) -> None:
    """An archive without checkpoint has two routes all the same."""
    for path in (zoo / "small").glob("model.ckpt*"):
        path.unlink()
    (zoo / "small" / "checkpoint").unlink()
    assert _judge(_context(zoo, tmp_path / "cache")).status is Status.PASS


def test_checkpoint_with_other_weights_is_told(zoo: Path, tmp_path: Path) -> None:
    """The fault of archives whose .pb and checkpoint come from different steps (A02)."""
    prefix = zoo / "small" / PREFIX
    values = open_checkpoint(prefix)
    named = {name: values(name) for name in checkpoint_shapes(prefix) if name != "global_step"}
    (weights,) = [name for name in named if name.endswith("Conv2d_0/weights")]
    named[weights] = named[weights] + np.float32(0.1)
    write_checkpoint(prefix, named)
    result = _judge(_context(zoo, tmp_path / "cache"))
    assert result.status is Status.FAIL
    assert result.message.startswith("the archive's files describe different models: checkpoint: ")


def test_anchors_of_another_config_are_told(zoo: Path, tmp_path: Path) -> None:
    """Same count, other places (C05): blind to every comparison that shares the config."""
    config = zoo / "small" / "pipeline.config"
    config.write_text(config.read_text().replace("min_scale: 0.2", "min_scale: 0.1"))
    result = _judge(_context(zoo, tmp_path / "cache"))
    assert result.status is Status.FAIL
    broken = {m.name for m in result.measures if m.status is Status.FAIL}
    assert broken == {"anchors_max_abs_diff", "differing_parts"}


def test_config_that_cannot_be_built_gives_no_evidence(zoo: Path, tmp_path: Path) -> None:
    """UNKNOWN with the reason; neither a pass nor the archive's fault."""
    config = zoo / "small" / "pipeline.config"
    config.write_text(config.read_text().replace("ssd_mobilenet_v1", "ssd_mobilnet_v1"))
    result = _judge(_context(zoo, tmp_path / "cache"))
    assert result.status is Status.UNKNOWN
    assert "no second route" in result.message


def test_quantised_config_of_a_float_archive_is_told(zoo: Path, tmp_path: Path) -> None:
    """Its checkpoint has no ranges (C13)."""
    config = zoo / "small" / "pipeline.config"
    config.write_text(config.read_text() + _REWRITER)
    with pytest.raises(GraphError, match=r"no quantisation ranges .*remove graph_rewriter"):
        _judge(_context(zoo, tmp_path / "cache"))


def test_quantised_archive_has_two_routes(quantised: Path, tmp_path: Path) -> None:
    """Its .meta and its config with the checkpoint give the same rounded values."""
    context = _context(quantised, tmp_path / "cache")
    assert _origin(context) == "model.ckpt.meta of the archive with its checkpoint"
    result = _judge(context)
    assert result.status is Status.PASS
    values = {measure.name: measure.value for measure in result.measures}
    assert values["box_encodings_max_abs_diff"] <= 1e-5


def test_bare_quantised_checkpoint_is_exported(quantised: Path, tmp_path: Path) -> None:
    """With its FakeQuant nodes, and a reference that has them too."""
    zoo = Path(shutil.copytree(quantised, tmp_path / "zoo"))
    for name in ("tflite_graph.pb", "tflite_graph.pbtxt", f"{PREFIX}.meta"):
        (zoo / "small" / name).unlink()
    context = _context(zoo, tmp_path / "cache")
    assert "shares this harness's reading of the config" in _origin(context)
    summary = context.build.summary(add_postprocessing_op=True)
    assert summary.ops["FakeQuantWithMinMaxVars"] == 2 * 47


def test_without_a_config_the_meta_is_the_second_route(zoo: Path, tmp_path: Path) -> None:
    """The trainer's graph with the checkpoint's values, and what is not confirmed is named."""
    (zoo / "small" / "pipeline.config").unlink()
    context = _context(zoo, tmp_path / "cache")
    result = _judge(context)
    assert result.status is Status.PASS
    assert "model.ckpt.meta" in result.message
    values = {measure.name: measure.value for measure in result.measures}
    assert values["box_encodings_max_abs_diff"] <= 1e-5
    assert context.routes.missing == (Unconfirmed.NO_CONFIG,)


def test_a_lone_graph_has_no_second_route(zoo: Path, tmp_path: Path) -> None:
    """As in the person detector's package: each thing that is missing is named."""
    for path in (zoo / "small").iterdir():
        if path.name != _FROZEN:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = _judge(_context(zoo, tmp_path / "cache"))
    assert result.status is Status.UNKNOWN
    assert (
        result.message
        == f"there is no second route: {Unconfirmed.NO_CONFIG}; {Unconfirmed.NO_CHECKPOINT}"
    )


def test_a_graph_of_our_own_is_no_second_route(zoo: Path, tmp_path: Path) -> None:
    """Of config and checkpoint alone there is one graph, which was compared with itself."""
    for name in (_FROZEN, f"{PREFIX}.meta"):
        (zoo / "small" / name).unlink()
    shutil.rmtree(zoo / "small" / "saved_model")
    context = _context(zoo, tmp_path / "cache")
    assert _judge(context).status is Status.UNKNOWN
    assert context.routes.routes == 1
    assert context.routes.missing == (Unconfirmed.NO_GRAPH, Unconfirmed.NO_FROZEN_WEIGHTS)


def test_bare_checkpoint_is_exported_and_its_reference_named(zoo: Path, tmp_path: Path) -> None:
    """Without any graph the reference is built, finds the same, and says what it is."""
    whole = _context(zoo, tmp_path / "whole")
    expected = whole.inference.reference()
    assert _origin(whole) == "frozen_inference_graph.pb of the archive"
    for name in (_FROZEN, f"{PREFIX}.meta"):
        (zoo / "small" / name).unlink()
    bare = _context(zoo, tmp_path / "bare")
    assert "shares this harness's reading of the config" in _origin(bare)
    assert bare.inference.reference() == expected
    assert bare.build.tflite("float").is_file()


def test_bare_float_checkpoint_of_a_quantised_config_is_refused(zoo: Path, tmp_path: Path) -> None:
    """The reference is not built without ranges, and the message says why."""
    for name in (_FROZEN, f"{PREFIX}.meta"):
        (zoo / "small" / name).unlink()
    config = zoo / "small" / "pipeline.config"
    config.write_text(config.read_text() + _REWRITER)
    with pytest.raises(GraphError, match=r"no quantisation ranges .*remove graph_rewriter"):
        _context(zoo, tmp_path / "cache").build.exported()


def test_meta_goes_before_our_own_graph(zoo: Path, tmp_path: Path) -> None:
    """Somebody else's graph is the better witness."""
    (zoo / "small" / _FROZEN).unlink()
    context = _context(zoo, tmp_path / "cache")
    assert _origin(context) == "model.ckpt.meta of the archive with its checkpoint"
    assert _judge(dataclasses.replace(context)).status is Status.PASS
