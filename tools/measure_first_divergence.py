"""Change one weight in each of many layers of a .tflite, and count where it is found.

    python tools/measure_first_divergence.py FLOAT.tflite FILE.tflite...

Each FILE, which may be FLOAT itself, is changed in LAYERS of its layers, spread over the order of
execution, one at a time; its first divergence from FLOAT should be the changed layer or one that
reads it. A weight is moved to the far end of its tensor's range; a kernel, all weights of one
output channel, is negated. Both are tried with the file's names and with all of them lost. Images
are the labelled scenes, normalised to [-1, 1].

A change that no output shows is no fault: where a ReLU closes the channel, or the weight meets
padding alone, another weight of the layer is drawn. What none of a few draws shows is counted
apart. Prints a table in Markdown, and a line for each layer that was missed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import Constants
from validation.diagnosis.first_divergence import Divergence, Tolerance, find_first_divergence
from validation.diagnosis.operators import Operator, OperatorGraph, operators_of, read_operators
from validation.diagnosis.reference_values import FileValues, Flow
from validation.diagnosis.tensor_values import TensorValues
from validation.policy.load import load_policy
from validation.preprocess.image import ImageFile, load
from validation.preprocess.prepare import prepare
from validation.specs.contracts import Preprocessing
from validation.tflite.model import MODEL, read_model
from validation.zoo.bundled_files import BUNDLED_FOLDER

_IMAGES = BUNDLED_FOLDER / "scenes" / "images"
_WEIGHTS = 1
_DRAWS = 5
# Far from the seeds of other layers.
_NEXT_DRAW = 10_000
_CHANGES = ("weight", "kernel")
_NAMES = ("kept", "lost")
_HEAD = "| file | changed | names | found | at the layer | right after it | no effect | missed |"


@dataclass(frozen=True)
class Case:
    """One file with one layer changed.

    Args:
        layer: The layer that was changed, in the order of execution.
        graph: The changed file.
        has_effect: Some raw output is another one.
        found: Its first divergence.
    """

    layer: Operator
    graph: OperatorGraph
    has_effect: bool
    found: Divergence | None

    @property
    def outcome(self) -> str:
        """How near to the changed layer it was found."""
        if self.found is None:
            return "missed" if self.has_effect else "no effect"
        if self.found.layer.index == self.layer.index:
            return "at"
        flow = Flow(self.graph)
        reads = self.layer.outputs[0] in flow.sources(self.found.layer)
        return "after" if reads else "missed"


def with_changed_layer(
    graph: OperatorGraph, layer: Operator, *, kernel: bool, seed: int, without_names: bool
) -> OperatorGraph:
    """The file with one weight, or all of one output channel, of a layer changed.

    Args:
        graph: The file.
        layer: One with weights as its second input.
        kernel: All of one output channel; else one weight.
        seed: Chooses which.
        without_names: Tensors are called by their numbers.
    """
    model = read_model(graph.model.content, graph.model.name)
    tensor = model.graph.tensors[model.constants()[layer.inputs[_WEIGHTS]]]
    buffer = model.root.buffers[tensor.buffer]
    constant = Constants(graph).read(layer.inputs[_WEIGHTS])
    assert constant is not None
    codes = constant.raw.copy()
    # A depthwise convolution has its channels last, every other one first.
    channels = np.moveaxis(codes, -1 if layer.op == "DEPTHWISE_CONV_2D" else 0, 0)
    generator = np.random.default_rng(seed)
    if kernel:
        channel = channels[generator.integers(len(channels))]
        channel[...] = -channel
    else:
        place = tuple(int(generator.integers(side)) for side in channels.shape)
        furthest = np.abs(channels[place[0]]).max()
        channels[place] = -furthest if channels[place] >= 0 else furthest
    buffer.data = np.frombuffer(codes.tobytes(), np.uint8)
    if without_names:
        for index, each in enumerate(model.graph.tensors):
            each.name = f"tensor_{index}"
    return operators_of(read_model(MODEL.pack(model.root), graph.model.name))


def layers_with_weights(graph: OperatorGraph, count: int) -> list[Operator]:
    """So many, spread over the order of execution; all where there are fewer."""
    constants = Constants(graph)
    found = [each for each in Flow(graph).layers if _WEIGHTS in constants.weights(each)]
    places = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[place] for place in places]


def cases(
    graph: OperatorGraph,
    reference: FileValues,
    feeds: NDArray[np.float32],
    tolerance: Tolerance,
    count: int,
    *,
    kernel: bool,
    without_names: bool,
) -> Iterator[Case]:
    """Each changed file with what was found in it."""
    sound = _ends(graph, feeds)
    for layer in layers_with_weights(graph, count):
        for draw in range(_DRAWS):
            changed = with_changed_layer(
                graph,
                layer,
                kernel=kernel,
                seed=layer.index + draw * _NEXT_DRAW,
                without_names=without_names,
            )
            ends = zip(sound, _ends(changed, feeds), strict=True)
            has_effect = any(not np.array_equal(one, other) for one, other in ends)
            if has_effect:
                break
        found = find_first_divergence(changed, reference, feeds, feeds, tolerance)
        yield Case(layer, changed, has_effect, found)


def _ends(graph: OperatorGraph, feeds: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    run = TensorValues(graph.model.content, keep_all=False)
    found = []
    for feed in feeds:
        run.run(feed)
        found += [run.value(index) for index in run.outputs]
    return found


def _feeds(graph: OperatorGraph, count: int) -> NDArray[np.float32]:
    shape: Any = graph.model.graph.tensors[graph.inputs[0]].shape
    wanted = Preprocessing(
        height=int(shape[1]), width=int(shape[2]), scale=(2 / 255,) * 3, offset=(1.0,) * 3
    )
    paths = sorted(_IMAGES.iterdir())[:count]
    return np.stack([prepare(load(ImageFile(path.name, path)), wanted) for path in paths])


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path, metavar="FLOAT.tflite")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.tflite")
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--change", choices=_CHANGES, action="append", help="default: all")
    parser.add_argument("--names", choices=_NAMES, action="append", help="default: both")
    typed = parser.parse_args(arguments)
    policy = load_policy()
    tolerance = Tolerance(policy.setting("layer_float_share"), policy.setting("layer_steps"))
    reference = FileValues(read_operators(typed.reference))
    feeds = _feeds(reference.flow.graph, int(policy.setting("layer_images")))
    _say(_HEAD, "|---" * (_HEAD.count(" | ") + 1) + "|")
    missed = []
    for path in typed.files:
        graph = read_operators(path)
        for change, names in itertools.product(typed.change or _CHANGES, typed.names or _NAMES):
            outcomes: Counter[str] = Counter()
            for case in cases(
                graph,
                reference,
                feeds,
                tolerance,
                typed.layers,
                kernel=change == "kernel",
                without_names=names == "lost",
            ):
                outcomes[case.outcome] += 1
                if case.outcome in ("missed", "no effect"):
                    where = "nothing" if case.found is None else case.found.tensor
                    name = graph.names[case.layer.outputs[0]].partition(";")[0]
                    missed.append(f"{path.name}: {name}: {case.outcome}, found {where}")
            hits = outcomes["at"] + outcomes["after"]
            _say(
                f"| {path.stem} | a {change} | {names} | {hits} of {outcomes.total()} "
                f"| {outcomes['at']} | {outcomes['after']} | {outcomes['no effect']} "
                f"| {outcomes['missed']} |",
            )
    _say("", *missed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
