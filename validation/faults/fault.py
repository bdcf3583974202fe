"""What a fault is: where it is put, what must catch it, and how it may be called first."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from validation.coco.box_formats import BoxFormat
from validation.record.diagnosis import Diagnosis, FaultKind, Place


class Part(enum.StrEnum):
    """A file of an archive from which the model's graph, or a part of it, can be read."""

    GRAPH = "frozen_inference_graph.pb"
    META = "model.ckpt.meta"
    CHECKPOINT = "checkpoint"
    CONFIG = "pipeline.config"
    SHIPPED = "tflite_graph.pb"


class Thinness(enum.StrEnum):
    """What there is of an archive, beside a label map and labelled images."""

    COMPLETE = "complete"
    FLOAT_ALONE = "float-alone"
    NO_CONFIG = "no-config"
    CHECKPOINT = "checkpoint"
    GRAPH = "graph"
    SHIPPED = "shipped"


# The zoo's saved_model/ is a copy of the inference graph: with it a fault would be in one of two.
_ALL = frozenset({Part.GRAPH, Part.META, Part.CHECKPOINT, Part.CONFIG})
PARTS: Mapping[Thinness, frozenset[Part]] = {
    Thinness.COMPLETE: _ALL,
    Thinness.FLOAT_ALONE: _ALL,
    Thinness.NO_CONFIG: frozenset({Part.GRAPH, Part.META, Part.CHECKPOINT}),
    Thinness.CHECKPOINT: frozenset({Part.CHECKPOINT, Part.CONFIG}),
    Thinness.GRAPH: frozenset({Part.GRAPH}),
    Thinness.SHIPPED: frozenset({Part.SHIPPED}),
}
# A quantised archive of the zoo: its graph is the exported one.
QUANTISED_PARTS: Mapping[Thinness, frozenset[Part]] = {
    Thinness.COMPLETE: frozenset({Part.SHIPPED, Part.META, Part.CHECKPOINT, Part.CONFIG}),
    Thinness.CHECKPOINT: PARTS[Thinness.CHECKPOINT],
    Thinness.SHIPPED: PARTS[Thinness.SHIPPED],
}
THINNESS_IN_WORDS: Mapping[Thinness, str] = {
    Thinness.COMPLETE: "complete archive",
    Thinness.FLOAT_ALONE: "complete archive, `--variant float` alone",
    Thinness.NO_CONFIG: "no pipeline.config; inference graph, checkpoint and .meta",
    Thinness.CHECKPOINT: "checkpoint and pipeline.config only",
    Thinness.GRAPH: "inference graph only",
    Thinness.SHIPPED: "tflite_graph.pb only",
}
_IN_ARCHIVE: Mapping[Place, Part] = {
    Place.GRAPH: Part.GRAPH,
    Place.CHECKPOINT: Part.CHECKPOINT,
    Place.CONFIG: Part.CONFIG,
    Place.SHIPPED_GRAPH: Part.SHIPPED,
}


@dataclass(frozen=True)
class Case:
    """What a user has, and types: every path is the case's own and may be written to.

    Args:
        archive: Folder of the archive.
        annotations: COCO's json.
        images: Folder of the images, shared by all cases: never to be written to.
        label_map: Names of the classes.
        variants: Of --variant; not used where a file is given.
        file: A .tflite of --candidate, which the archive judges; None: files are made of the
            archive.
        box_format: Of --box-format.
    """

    archive: Path
    annotations: Path
    images: Path
    label_map: Path
    variants: tuple[str, ...]
    file: Path | None = None
    box_format: BoxFormat | None = None

    def with_box_format(self, given: BoxFormat) -> Case:
        """The same with another --box-format."""
        return replace(self, box_format=given)


# Changes the case's files, or gives another case.
Inject = Callable[[Case], Case | None]


@dataclass(frozen=True)
class Fault:
    """One change to what a user has.

    Args:
        id: Short and unique, for example ``graph-bgr``.
        title: What was done, as a sentence without a full stop.
        place: What was changed, which is what a diagnosis has to name.
        kinds: How a first diagnosis may call it.
        inject: Makes the change.
        checks: Checks of which at least one must find it in a complete archive.
        known: Ids of the catalogue of faults that are reported in public.
        needs: Parts that the archive must have.
        places: Further places that are as right, beside `place`.
        at: Archives that it is tried with; empty: all that have the parts.
        variants: Made of the archive; of a fault in a given file, the form of that file.
        model: Which bundled model; None: the default one, see `table`.
        equivalent: Why it changes nothing that can be seen; empty where it does.
    """

    id: str
    title: str
    place: Place
    kinds: frozenset[FaultKind]
    inject: Inject
    checks: tuple[str, ...]
    known: tuple[str, ...] = ()
    needs: frozenset[Part] = frozenset()
    places: frozenset[Place] = frozenset()
    at: tuple[Thinness, ...] = ()
    variants: tuple[str, ...] = ("float", "raw")
    model: str | None = None
    equivalent: str = ""
    equivalent_at: Mapping[Thinness, str] = field(default_factory=dict, hash=False)

    def names(self, diagnosis: Diagnosis, thinness: Thinness, parts: frozenset[Part]) -> bool:
        """Whether a diagnosis says what was done."""
        called = {diagnosis.fault, *diagnosis.ties}
        return self.is_in_place(diagnosis, thinness, parts) and bool(called & self.kinds)

    def is_in_place(self, diagnosis: Diagnosis, thinness: Thinness, parts: frozenset[Part]) -> bool:
        """Whether a diagnosis names the place, or one that this archive does not tell from it.

        Args:
            diagnosis: The first one.
            thinness: What there is of the archive.
            parts: The same as parts.
        """
        right = {self.place, *self.places}
        if right & set(_IN_ARCHIVE):
            # Parts that disagree are a fault of the archive; and one that is not in the archive is
            # not meant: a graph that was built, or what was exported, stands for what it is of.
            right |= {Place.ARCHIVE}
            right |= {place for place, part in _IN_ARCHIVE.items() if part not in parts}
            if thinness in (Thinness.GRAPH, Thinness.SHIPPED):
                # The graph and what it is fed are right or wrong together.
                right |= {Place.FEED, Place.EXPORT}
        return bool(right & {diagnosis.place, *diagnosis.other_places})
