"""One conversion of a session, complete: any process can make it, and its address is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.calibration.images import CalibrationImages
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import InputStats
from validation.workspace.products import image_sha256, makers


@dataclass(frozen=True)
class PlannedConversion:
    """A .tflite that is to be made from an exported graph.

    Args:
        model: Its name.
        variant: Its name.
        step: For the step's report.
        graph: ``tflite_graph.pb``.
        preprocessing: Of the export's contract.
        input_stats: Of a uint8 input; None where the variant needs none.
        calibration: Images of int8; None where the variant needs none.
    """

    model: str
    variant: str
    step: str
    graph: Path
    preprocessing: Preprocessing
    input_stats: InputStats | None = None
    calibration: CalibrationImages | None = None

    @property
    def file_name(self) -> str:
        """Of the .tflite in the product's folder."""
        return f"{self.model}-{self.variant}.tflite"

    @property
    def made_from(self) -> Mapping[str, object]:
        """Everything that the file depends on, as JSON types."""
        stats, chosen = self.input_stats, self.calibration
        return {
            "graph": file_sha256(self.graph),
            "variant": self.variant,
            "name": self.file_name,
            "preprocessing": unstructure(self.preprocessing),
            "input_stats": None if stats is None else unstructure(stats),
            "calibration": None
            if chosen is None
            else [image_sha256(image) for image in chosen.images],
            **makers("convert", "calibration", "preprocess"),
        }


# Fills the folder of a conversion.
Convert = Callable[[PlannedConversion, Path], None]


def convert_here(planned: PlannedConversion, folder: Path) -> None:
    """Convert in this process.

    Args:
        planned: What is to be made.
        folder: Gets the file.

    Raises:
        ValidationError: The graph is not convertible, or an image cannot be read.
    """
    from validation.convert.tflite import convert_variant

    convert_variant(
        planned.graph,
        planned.variant,
        folder / planned.file_name,
        preprocessing=planned.preprocessing,
        input_stats=planned.input_stats,
        calibration=planned.calibration,
    )
