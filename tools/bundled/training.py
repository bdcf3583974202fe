"""Train an SSD that `validation.graphs` builds, from nothing or on from weights.

A float model is trained in the training form of its graph. A quantised one starts from the
weights of its float counterpart and is tuned with its FakeQuant nodes in place, batch norms folded
and their statistics frozen.
"""

from __future__ import annotations

import itertools
import math
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray
from tqdm import tqdm

from bundled.feed import Batch, normalised
from bundled.losses import TargetTensors, total_loss
from bundled.recipes import TrainingOptions
from validation.calibration.graph_ranges import calibrated_ranges
from validation.calibration.ranges import RangeMethod
from validation.errors import GraphError, first_few
from validation.export.from_checkpoint import built_once, model_variables
from validation.graphs.mismatch import Shapes
from validation.graphs.ssd import build
from validation.pipeline.config import PipelineConfig

Named = Mapping[str, NDArray[np.float32]]

# Probability of any class at the start (https://arxiv.org/abs/1708.02002, section 4.1).
_PRIOR = 0.01
_HEADS = ("BoxEncodingPredictor", "BoxPredictor", "ClassPredictor")
_HEAD_SPREAD = 0.01
# Longer gradients are shortened to it.
_LONGEST_GRADIENT = 10.0
_AVERAGE_DECAY = 0.995
# Losses that the progress bar shows the mean of.
_SHOWN = 50


@dataclass(frozen=True)
class Trained:
    """What training left.

    Args:
        values: Of every variable of the inference graph, by name; the moving averages of the
            weights where the config asks for them.
        losses: Of every step.
        seconds: Of the steps.
    """

    values: dict[str, NDArray[np.float32]]
    losses: tuple[float, ...]
    seconds: float


def learning_rate(step: int, options: TrainingOptions) -> float:
    """Linear growth to the peak, then half a cosine down to 0.

    https://arxiv.org/abs/1608.03983, equation 5, without restarts.

    Args:
        step: From 0.
        options: The peak and where it is.
    """
    if step < options.warm_up:
        return options.learning_rate * (step + 1) / options.warm_up
    share = (step - options.warm_up) / max(1, options.steps - options.warm_up)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def initial_value(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """The value that a variable starts from.

    Convolutions keep the variance of what passes them (He et al.,
    https://arxiv.org/abs/1502.01852); class heads start improbable.

    Args:
        name: Its last part says what the variable is.
        shape: Of the variable.
        seed: Draws differ by it and by the name.
    """
    *scopes, kind = name.split("/")
    is_head = any(scope in _HEADS for scope in scopes)
    if kind in ("gamma", "moving_variance"):
        return np.ones(shape, np.float32)
    if kind in ("beta", "moving_mean", "biases"):
        start = -math.log((1 - _PRIOR) / _PRIOR) if "ClassPredictor" in scopes else 0.0
        return np.full(shape, start, np.float32)
    draw = np.random.default_rng([seed, zlib.crc32(name.encode())])
    fan_in = math.prod(shape[:2]) if kind == "depthwise_weights" else math.prod(shape[:-1])
    spread = _HEAD_SPREAD if is_head and kind != "depthwise_weights" else math.sqrt(2 / fan_in)
    return draw.normal(0, spread, shape).astype(np.float32)


def train(
    config: PipelineConfig,
    batches: Iterable[Batch],
    options: TrainingOptions,
    *,
    start: Named | None = None,
    progress: bool = False,
) -> Trained:
    """Train a model.

    Args:
        config: The model; graph_rewriter in it means tuning with FakeQuant nodes in place.
        batches: As many as there are steps.
        options: How.
        start: Values to go on from: of every variable but the ranges. None: from nothing,
            which a quantised model cannot.
        progress: Show a bar on stderr.

    Raises:
        GraphError: A quantised model without a start; a start that is of another model; a loss
            that is not finite.
    """
    if config.is_quantized and start is None:
        raise GraphError(
            "a quantised model is tuned from the weights of its float counterpart",
            expected="values to start from",
            got="none",
            where=config.source,
        )
    waiting = iter(batches)
    first = next(waiting)
    with Trainer(config, len(first.images), options) as trainer:
        return trainer.train(itertools.chain([first], waiting), start=start, progress=progress)


def _refuse_unknown(start: Named, shapes: Shapes, config: PipelineConfig) -> None:
    wrong = [name for name, value in start.items() if shapes.get(name) != value.shape]
    if wrong:
        raise GraphError(
            f"{len(wrong)} values to start from are of another model",
            got=first_few(wrong),
            where=config.source,
        )


def _ranges(config: PipelineConfig, values: Named, batch: Batch) -> Named:
    """Ends of the FakeQuant nodes' ranges, measured on a batch."""
    built = built_once(config)

    def feeds() -> Iterator[NDArray[np.float32]]:
        for image in batch.images:
            yield normalised(image[np.newaxis], built.contract.preprocessing)

    return calibrated_ranges(built, values, feeds, RangeMethod.LEAST_ERROR)


class Trainer:
    """A model's graph with its loss, its optimiser and a session; trains as often as asked to.

    Args:
        config: See `train`.
        batch: Images of each batch.
        options: See `train`.
    """

    def __init__(self, config: PipelineConfig, batch: int, options: TrainingOptions) -> None:
        built = build(config, batch=batch, is_training=not config.is_quantized)
        self._config, self._options = config, options
        self._built = built
        # Before the optimiser adds its own.
        self._shapes = model_variables(built)
        names = set(self._shapes)
        self._preprocessing = built.contract.preprocessing
        anchors = len(built.anchors)
        size = int(built.image.shape[0])
        with built.graph.as_default():
            self._targets = TargetTensors(
                tf.placeholder(tf.float32, [size, anchors, 4]),
                tf.placeholder(tf.int32, [size, anchors]),
                tf.placeholder(tf.float32, [size, anchors]),
            )
            self._rate = tf.placeholder(tf.float32, [])
            self._loss = total_loss(
                built.box_encodings, built.class_predictions, self._targets, options.loss
            )
            self._variables = {
                each.op.name: each for each in tf.global_variables() if each.op.name in names
            }
            self._averages = dict(self._variables)
            self._step = self._minimised(config, options)
            self._feeds = {
                name: tf.placeholder(tf.float32, each.shape)
                for name, each in self._variables.items()
            }
            self._loads = {
                name: [
                    tf.assign(each, feed)
                    for each in {
                        id(each): each for each in (self._variables[name], self._averages[name])
                    }.values()
                ]
                for name, feed in self._feeds.items()
            }
            self._start = tf.global_variables_initializer()
            settings = tf.ConfigProto(
                intra_op_parallelism_threads=options.threads,
                inter_op_parallelism_threads=options.threads,
            )
            settings.graph_options.rewrite_options.disable_meta_optimizer = not options.optimised
            self._session: Any = tf.Session(config=settings)

    def train(
        self, batches: Iterable[Batch], *, start: Named | None = None, progress: bool = False
    ) -> Trained:
        """Train from a fresh start; see `train`."""
        config, options, shapes = self._config, self._options, self._shapes
        _refuse_unknown(start or {}, shapes, config)
        values = start or {name: initial_value(name, shapes[name], options.seed) for name in shapes}
        losses: list[float] = []
        began = time.perf_counter()
        self._session.run(self._start)
        self.load(values)
        waiting = iter(batches)
        first = next(waiting)
        with tqdm(
            total=options.steps, desc=config.source, unit="step", disable=not progress
        ) as bar:
            for step, batch in enumerate(itertools.chain([first], waiting)):
                if config.is_quantized and step % -(-options.steps // options.calibrations) == 0:
                    self.load(_ranges(config, self.values(), first))
                losses.append(self.run(batch, learning_rate(step, options)))
                if not math.isfinite(losses[-1]):
                    raise GraphError(
                        "the loss is not finite any more",
                        where=f"{config.source}, step {step}",
                        next_step="lower the learning rate",
                    )
                bar.set_postfix(loss=f"{np.mean(losses[-_SHOWN:]):.3f}", refresh=False)
                bar.update()
        return Trained(self.averages(), tuple(losses), time.perf_counter() - began)

    def _minimised(self, config: PipelineConfig, options: TrainingOptions) -> Any:
        weights = [each for each in tf.trainable_variables() if "weights" in each.op.name]
        decay = tf.add_n([tf.nn.l2_loss(each) for each in weights]) * options.weight_decay
        optimizer = tf.train.AdamOptimizer(self._rate)
        pairs = optimizer.compute_gradients(self._loss + decay)
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        gradients, variables = zip(*pairs, strict=True)
        shortened, _ = tf.clip_by_global_norm(gradients, _LONGEST_GRADIENT)
        statistics = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        step = tf.group(
            optimizer.apply_gradients(zip(shortened, variables, strict=True)), *statistics
        )
        if not config.use_moving_averages:
            return step
        average = tf.train.ExponentialMovingAverage(_AVERAGE_DECAY)
        with tf.control_dependencies([step]):
            averaged = average.apply(tf.trainable_variables())
        self._averages |= {each.op.name: average.average(each) for each in tf.trainable_variables()}
        return averaged

    def load(self, values: Named) -> None:
        """Set variables, and the averages that follow them."""
        self._session.run(
            [self._loads[name] for name in values],
            {self._feeds[name]: value for name, value in values.items()},
        )

    def values(self) -> dict[str, NDArray[np.float32]]:
        """Every variable of the model."""
        values: dict[str, NDArray[np.float32]] = self._session.run(self._variables)
        return values

    def averages(self) -> dict[str, NDArray[np.float32]]:
        """Every variable of the model, those with a moving average by it."""
        values: dict[str, NDArray[np.float32]] = self._session.run(self._averages)
        return values

    def run(self, batch: Batch, rate: float) -> float:
        """One step; the loss before it."""
        _, loss = self._session.run(
            [self._step, self._loss],
            {
                self._built.image: normalised(batch.images, self._preprocessing),
                self._targets.boxes: batch.targets.boxes,
                self._targets.classes: batch.targets.classes,
                self._targets.asked: batch.targets.asked,
                self._rate: rate,
            },
        )
        return float(loss)

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
