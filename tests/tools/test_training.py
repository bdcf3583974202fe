"""Training and its feed, on the smallest model of a true architecture."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from bundled.augment import View
from bundled.feed import Batch, BatchMaker, FeedOptions, batches, normalised, resized
from bundled.recipes import TrainingOptions
from bundled.targets import MatchRule
from bundled.training import Trained, Trainer, initial_value, learning_rate, train
from small_ssd import TEXT

from validation.errors import GraphError
from validation.export.from_checkpoint import built_once, model_variables
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import PipelineConfig, parse_pipeline
from validation.specs.contracts import Preprocessing

REWRITER = "graph_rewriter { quantization { delay: 0 weight_bits: 8 activation_bits: 8 } }\n"
AVERAGING = "eval_config { use_moving_averages: true }\n"
OPTIONS = TrainingOptions(
    steps=8, warm_up=2, learning_rate=0.01, seed=3, threads=1, optimised=False
)


def config_of(extra: str = "") -> PipelineConfig:
    text = TEXT.replace("num_classes: 3", "num_classes: 8").replace("epsilon", "decay: 0.9 epsilon")
    own = "override_base_feature_extractor_hyperparams: true min_depth"
    text = text.replace("min_depth", own, 1)
    # Two feature maps of the six: a graph of two thirds the size.
    text = text.replace("min_depth", "num_layers: 2 min_depth", 1)
    text = text.replace("num_layers: 6", "num_layers: 2")
    return parse_pipeline(text + extra, "small")


CONFIG = config_of()


@functools.cache
def built() -> BuiltSsd:
    """The inference form; at the top every worker would build it, to collect the tests."""
    return build(CONFIG)


def feed_of(batch: int = 2, scenes: int = 3, seed: int = 1000) -> FeedOptions:
    return FeedOptions(
        seed=seed,
        scenes=scenes,
        batch=batch,
        preprocessing=built().contract.preprocessing,
        anchors=built().anchors,
        scales=CONFIG.box_coder_scales,
        rule=MatchRule(),
        view=View(),
    )


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Two images that are the same in every test."""
    return BatchMaker(feed_of())(0)


@pytest.fixture(scope="module")
def trainer() -> Iterator[Trainer]:
    """What `train` trains the float model with."""
    with Trainer(CONFIG, 2, OPTIONS) as trainer:
        yield trainer


@pytest.fixture(scope="module")
def trained(trainer: Trainer, batch: Batch) -> Trained:
    """A few steps on one batch."""
    return trainer.train([batch] * OPTIONS.steps)


def test_learning_rate_grows_and_falls() -> None:
    """Up to the peak in the warm-up, down to nearly nothing at the end."""
    rates = [learning_rate(step, OPTIONS) for step in range(OPTIONS.steps)]
    assert rates[0] == pytest.approx(0.005)
    assert rates[1] == rates[2] == pytest.approx(0.01)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[5] == pytest.approx(0.005)
    assert 0 < rates[-1] < 0.001


def test_initial_values_keep_the_variance() -> None:
    """Convolutions by their fan-in, depthwise ones by their window, heads small."""
    scale = math.sqrt(2 / (9 * 64))
    assert initial_value("a/Conv/weights", (3, 3, 64, 256), 0).std() == pytest.approx(
        scale, rel=0.05
    )
    depthwise = initial_value("a/b/depthwise_weights", (3, 3, 512, 1), 0)
    assert depthwise.std() == pytest.approx(math.sqrt(2 / 9), rel=0.05)
    head = initial_value("BoxPredictor_0/ClassPredictor/weights", (1, 1, 256, 90), 0)
    assert head.std() == pytest.approx(0.01, rel=0.05)


def test_initial_classes_are_improbable() -> None:
    """Class heads start at one in a hundred; other biases and batch norms are the identity."""
    bias = initial_value("BoxPredictor_0/ClassPredictor/biases", (9,), 0)
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), 0.01, rtol=1e-5)
    assert initial_value("BoxPredictor_0/BoxEncodingPredictor/biases", (4,), 0).tolist() == [0] * 4
    assert initial_value("a/BatchNorm/gamma", (2,), 0).tolist() == [1, 1]
    assert initial_value("a/BatchNorm/moving_mean", (2,), 0).tolist() == [0, 0]


def test_initial_values_follow_from_seed_and_name() -> None:
    """The same seed and name draw the same; another of either draws something else."""
    one = initial_value("a/weights", (1, 1, 4, 4), 1)
    np.testing.assert_array_equal(one, initial_value("a/weights", (1, 1, 4, 4), 1))
    assert not np.array_equal(one, initial_value("b/weights", (1, 1, 4, 4), 1))
    assert not np.array_equal(one, initial_value("a/weights", (1, 1, 4, 4), 2))


def test_training_lowers_the_loss(trained: Trained) -> None:
    """Eight steps on one batch are enough to see."""
    assert len(trained.losses) == OPTIONS.steps
    assert trained.losses[-1] < 0.8 * trained.losses[0]
    assert trained.seconds > 0


def test_training_gives_every_variable_of_the_inference_graph(trained: Trained) -> None:
    """Nothing of the optimiser, nothing left out, all of the right shape."""
    shapes = {name: value.shape for name, value in trained.values.items()}
    assert shapes == model_variables(built())


def test_batch_norm_statistics_are_learnt(trained: Trained) -> None:
    """The moving averages leave what they start from."""
    name = "FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm/moving_"
    assert np.abs(trained.values[f"{name}mean"]).max() > 0.01
    assert np.abs(trained.values[f"{name}variance"] - 1).max() > 0.05


def test_moving_averages_lag_behind(batch: Batch, trained: Trained) -> None:
    """Where the config asks for averages, they are given: nearer to the start."""
    name = "BoxPredictor_0/ClassPredictor/weights"
    start = initial_value(name, trained.values[name].shape, OPTIONS.seed)
    averaged = train(config_of(AVERAGING), [batch] * OPTIONS.steps, OPTIONS).values
    assert set(averaged) == set(trained.values)
    moved = np.abs(averaged[name] - start).sum()
    assert 0 < moved < 0.5 * np.abs(trained.values[name] - start).sum()


def test_a_quantised_model_needs_a_start(batch: Batch) -> None:
    """Ranges cannot be measured on untrained weights."""
    with pytest.raises(GraphError, match="tuned from the weights of its float counterpart"):
        train(config_of(REWRITER), [batch], OPTIONS)


def test_a_quantised_model_goes_on_from_its_twin(batch: Batch, trained: Trained) -> None:
    """Weights move through the FakeQuant nodes; statistics stay; ranges are measured."""
    config = config_of(REWRITER)
    options = dataclasses.replace(OPTIONS, steps=3, warm_up=1, calibrations=1)
    tuned = train(config, [batch] * 3, options, start=trained.values).values
    assert set(tuned) == set(model_variables(built_once(config)))
    layer = "FeatureExtractor/MobilenetV1/Conv2d_0"
    mean = f"{layer}/BatchNorm/moving_mean"
    np.testing.assert_array_equal(tuned[mean], trained.values[mean])
    assert not np.array_equal(tuned[f"{layer}/weights"], trained.values[f"{layer}/weights"])
    lows = [float(value) for name, value in tuned.items() if name.endswith("weights_quant/min")]
    assert len(lows) > 10
    assert all(low < 0 and low != -6 for low in lows)


def test_a_start_of_another_model_is_refused(
    trainer: Trainer, batch: Batch, trained: Trained
) -> None:
    """A name or a shape that the graph has not is reported, not ignored."""
    strange = {**trained.values, "Elsewhere/weights": np.zeros(3, np.float32)}
    with pytest.raises(GraphError, match=r"1 values to start from .*Elsewhere/weights"):
        trainer.train([batch], start=strange)


def test_a_loss_that_is_no_number_ends_the_training(trainer: Trainer, batch: Batch) -> None:
    """Better no model than one of NaN."""
    wrong = dataclasses.replace(batch.targets, boxes=np.full_like(batch.targets.boxes, np.nan))
    with pytest.raises(GraphError, match=r"the loss is not finite any more .*step 0"):
        trainer.train([Batch(batch.images, wrong)])


def test_batches_follow_from_seed_and_number(batch: Batch) -> None:
    """The same number gives the same batch, another number or seed another one."""
    again = BatchMaker(feed_of())(0)
    np.testing.assert_array_equal(batch.images, again.images)
    np.testing.assert_array_equal(batch.targets.boxes, again.targets.boxes)
    assert not np.array_equal(batch.images, BatchMaker(feed_of())(1).images)
    assert not np.array_equal(batch.images, BatchMaker(feed_of(seed=1001))(0).images)


def test_batches_have_the_shapes_of_the_model(batch: Batch) -> None:
    """Images at the model's size, targets for each of its anchors, some of them matched."""
    anchors = len(built().anchors)
    assert batch.images.shape == (2, 64, 96, 3)
    assert batch.images.dtype == np.uint8
    assert batch.targets.boxes.shape == (2, anchors, 4)
    assert batch.targets.classes.shape == batch.targets.asked.shape == (2, anchors)
    assert 0 < (batch.targets.classes > 0).sum() < anchors
    assert batch.targets.classes.max() <= 8


def test_workers_make_the_same_batches() -> None:
    """Another process changes nothing, nor the order."""
    here = list(batches(feed_of(), 3, workers=0))
    there = list(batches(feed_of(), 3, workers=1))
    assert len(here) == len(there) == 3
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.targets.classes, other.targets.classes)


def test_images_are_resized_and_normalised_as_in_inference() -> None:
    """What the trained graph sees is what the harness feeds."""
    from validation.preprocess.prepare import prepare

    preprocessing = Preprocessing(32, 48, (2 / 255,) * 3, (1.0,) * 3)
    image = np.full((70, 50, 3), 200, np.uint8)
    seen = normalised(resized(image, preprocessing).astype(np.uint8)[None], preprocessing)
    np.testing.assert_allclose(seen, prepare(image, preprocessing), atol=1e-6)
    assert seen.dtype == np.float32
