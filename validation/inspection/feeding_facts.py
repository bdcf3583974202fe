"""What an app must know of one .tflite file: a JSON document that lies beside it."""

from __future__ import annotations

from dataclasses import dataclass

from validation.inspection.of_tflite import TfliteFacts
from validation.inspection.preprocessing import PreprocessingFacts
from validation.inspection.tensors import TensorFacts
from validation.specs.contracts import PostprocessAttributes

FEEDING_VERSION = 1


@dataclass(frozen=True)
class LabelFacts:
    """The label file of a model.

    Args:
        file: Its name; one name a line, ``???`` for a class without one.
        first: What its first line names: value 0 of the op's classes, or column 1 of the class
            predictions, whose column 0 is the background.
        names: How many names for how many classes.
    """

    file: str
    first: int
    names: str


@dataclass(frozen=True)
class FeedingFacts:
    """How one file is fed and read, as `inspect` says it.

    Args:
        file: Its name in the same folder.
        sha256: Of its bytes.
        size_bytes: Of the file.
        numbers: How it keeps and computes its numbers, in words.
        inputs: In the file's order.
        preprocessing: From an image to the input; `feed` is it in one line.
        outputs: In the file's order, by role.
        postprocess: Attributes of the post-processing op; None for a file of raw outputs.
        anchors_file: Name of the file that raw outputs are decoded with; empty with the op.
        labels: None where no names are known.
        notes: What to know before it is used; one sentence each.
        version: Of this layout.
    """

    file: str
    sha256: str
    size_bytes: int
    numbers: str
    inputs: tuple[TensorFacts, ...]
    preprocessing: PreprocessingFacts | None
    outputs: tuple[TensorFacts, ...]
    postprocess: PostprocessAttributes | None
    anchors_file: str
    labels: LabelFacts | None
    notes: tuple[str, ...]
    version: int = FEEDING_VERSION


def feeding_facts(
    facts: TfliteFacts,
    *,
    file: str,
    sha256: str,
    anchors_file: str = "",
    labels: LabelFacts | None = None,
    notes: tuple[str, ...] = (),
) -> FeedingFacts:
    """What `inspect` knows of a file, as far as an app needs it.

    Args:
        facts: Of the file.
        file: The name that it has beside the document.
        sha256: Of its bytes.
        anchors_file: See `FeedingFacts`.
        labels: See `FeedingFacts`.
        notes: More of them.
    """
    return FeedingFacts(
        file,
        sha256,
        facts.size_bytes,
        facts.numbers,
        facts.inputs,
        facts.preprocessing,
        facts.outputs,
        facts.postprocess,
        anchors_file,
        labels,
        (*facts.notes, *notes),
    )
