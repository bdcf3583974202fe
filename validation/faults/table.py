"""Every fault, and the rows of a run: a fault, a model, and what there is of its archive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from validation.faults.fault import PARTS, QUANTISED_PARTS, Fault, Part, Thinness
from validation.faults.of_config import CONFIG_FAULTS
from validation.faults.of_file_ends import FILE_FAULTS
from validation.faults.of_graphs import GRAPH_FAULTS
from validation.faults.of_labels import LABEL_FAULTS
from validation.faults.of_weights import WEIGHT_FAULTS
from validation.record.diagnosis import Place

# The smallest bundled model: a row exports, converts and runs it.
DEFAULT_MODEL = "ssd_mobilenet_v1_ppn"
QUANTISED_MODELS = frozenset({"ssd_mobilenet_v1_quantized"})

FAULTS: tuple[Fault, ...] = (
    *WEIGHT_FAULTS,
    *GRAPH_FAULTS,
    *CONFIG_FAULTS,
    *FILE_FAULTS,
    *LABEL_FAULTS,
)


@dataclass(frozen=True)
class Subject:
    """What a row has in common with a clean control.

    Args:
        model: Name of a bundled model.
        thinness: What there is of its archive.
        variants: Made of the archive; of a given file, its form.
        is_given: The .tflite was made elsewhere.
        images: Labelled images.
        seed: Of their choice; 0: the first ones.
    """

    model: str
    thinness: Thinness
    variants: tuple[str, ...]
    is_given: bool = False
    images: int = 50
    seed: int = 0

    @property
    def parts(self) -> frozenset[Part]:
        """Of the archive."""
        return parts_of(self.model, self.thinness)

    def __str__(self) -> str:
        """For ids of tests: ``ssd_mobilenet_v1_ppn-complete-float-raw``."""
        words = [self.model, self.thinness.value, *self.variants]
        words += ["given"] if self.is_given else []
        words += [f"{self.images}images"] if self.images != 50 else []
        words += [f"seed{self.seed}"] if self.seed else []
        return "-".join(words)


@dataclass(frozen=True)
class Row:
    """One fault in one archive.

    Args:
        fault: Which.
        subject: In what.
    """

    fault: Fault
    subject: Subject

    def __str__(self) -> str:
        """For ids of tests."""
        return f"{self.fault.id}-{self.subject.thinness.value}"

    @property
    def equivalent(self) -> str:
        """Why nothing of it can be seen here; empty where something can."""
        return self.fault.equivalent or self.fault.equivalent_at.get(self.subject.thinness, "")


def parts_of(model: str, thinness: Thinness) -> frozenset[Part]:
    """What there is of a model's archive."""
    table = QUANTISED_PARTS if model in QUANTISED_MODELS else PARTS
    return table[thinness]


def rows(faults: Iterable[Fault] = FAULTS) -> tuple[Row, ...]:
    """Every fault in every archive that it is tried with, in the order of the table."""
    return tuple(Row(fault, subject) for fault in faults for subject in _subjects(fault))


def _subjects(fault: Fault) -> Iterable[Subject]:
    model = fault.model or DEFAULT_MODEL
    is_given = fault.place is Place.FILE
    for thinness in fault.at:
        if fault.needs <= parts_of(model, thinness):
            # The raw form shows no more of an archive; it is tried where all is there.
            whole = thinness is Thinness.COMPLETE
            variants = fault.variants if whole else fault.variants[:1]
            yield Subject(model, thinness, variants, is_given)
