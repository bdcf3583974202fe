"""A .tflite file as a detector: how images are fed to it, and how that is known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, ConversionError, GraphConfigMismatch, ValidationError
from validation.export.exported import CONTRACT_FILE, ExportedGraph, load_export
from validation.inference.base import Detector
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.labels.label_list import LabelList
from validation.metadata.class_labels import labels_of
from validation.metadata.detector import image_size
from validation.metadata.feeding import normalisation_of, preprocessing_from
from validation.metadata.model_metadata import ModelMetadata
from validation.metadata.unpacking import metadata_of
from validation.preprocess.quantise import is_quantised
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, RAW_OUTPUTS, Preprocessing, SsdContract
from validation.specs.input_stats import InputStats
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile, describe
from validation.tflite.model import read_model

# The input of every extractor of the zoo but ResNet and VGG: [-1, 1].
_USUAL = InputStats(127.5, 127.5)


@dataclass(frozen=True)
class TfliteModel:
    """A .tflite file and what it takes to use it.

    Args:
        path: The file.
        file: Its contents.
        preprocessing: From image to input.
        source: How the preprocessing is known, for people.
        num_classes: Without the background.
        contract: Of the export it was made from; None where that is not at hand.
        anchors: float32 [N, 4] of that export, or None. A raw file has both.
        labels: Of its own metadata, as they stand there; None where it has none.
    """

    path: Path
    file: TfliteFile
    preprocessing: Preprocessing
    source: str
    num_classes: int
    contract: SsdContract | None = None
    anchors: NDArray[np.float32] | None = None
    labels: LabelList | None = None

    def detector(self) -> Detector:
        """A detector with an interpreter of its own: one for each thread.

        Raises:
            ConversionError: LiteRT does not take the file.
        """
        runtime = TfliteRuntime(self.path)
        if self.file.postprocess is not None:
            # By the op's own order: exporters of TensorFlow 2 permute the file's outputs.
            names = self.file.postprocess_outputs
            return TfliteDetector(runtime, self.preprocessing, names)
        if self.contract is None or self.anchors is None:
            raise _raw_without_contract(self.path)
        contract = dataclasses.replace(self.contract, preprocessing=self.preprocessing)
        return RawTfliteDetector(runtime, contract, self.anchors)


def open_tflite(
    path: Path, *, export: Path | None = None, stats: InputStats | None = None
) -> TfliteModel:
    """Read a .tflite file and find out how images are to be fed to it.

    In this order: what the caller states; the export that the caller names; the file's own
    metadata; an export beside the file; the scale and zero point of a quantised input, which
    bytes are fed to as they are; and last [-1, 1], the input of most extractors.

    Args:
        path: The .tflite file.
        export: Folder that `export` wrote; it has to fit. None: the file's own folder is
            searched, and an export that does not fit is ignored.
        stats: ``real = (pixel - mean) / std``, stated by the caller.

    Raises:
        ArtefactMissing: No such file, or a raw file without anchors and contract.
        ConversionError: No SSD: not one image [1, H, W, 3] in, or other outputs.
        GraphConfigMismatch: `export` belongs to another model.
    """
    model = read_model(path)
    file = describe(model)
    if file.postprocess is None and [spec.name for spec in file.outputs] != list(RAW_OUTPUTS):
        raise ConversionError(
            "the file is no SSD as the OD API exports it",
            expected="the post-processing op, or the outputs " + ", ".join(RAW_OUTPUTS),
            got="outputs " + ", ".join(spec.name for spec in file.outputs),
            where=path.name,
        )
    exported = _export_for(file, path, export)
    contract = exported.contract if exported else None
    if file.postprocess is not None:
        num_classes = file.postprocess.num_classes
    elif contract is not None:
        num_classes = contract.num_classes
    else:
        raise _raw_without_contract(path)
    metadata = metadata_of(model)
    preprocessing, source = _fed(
        file, exported, metadata, stats, export_is_named=export is not None
    )
    return TfliteModel(
        path=path,
        file=file,
        preprocessing=preprocessing,
        source=source,
        num_classes=num_classes,
        contract=contract,
        anchors=np.load(exported.anchors) if exported else None,
        labels=None if metadata is None else labels_of(metadata),
    )


def _fed(
    file: TfliteFile,
    export: ExportedGraph | None,
    metadata: ModelMetadata | None,
    stats: InputStats | None,
    *,
    export_is_named: bool,
) -> tuple[Preprocessing, str]:
    """The preprocessing, and how it is known."""
    height, width = image_size(file)
    spec = file.inputs[0]
    if stats is not None:
        return normalised(height, width, stats), f"{stats} as stated"
    if export is not None and export_is_named:
        return export.contract.preprocessing, f"{CONTRACT_FILE} of its export"
    if metadata is not None and normalisation_of(metadata) is not None:
        return preprocessing_from(metadata, file), "its own metadata"
    if export is not None:
        return export.contract.preprocessing, f"{CONTRACT_FILE} beside it"
    if is_quantised(spec):
        return _bytes_as_they_are(height, width, spec), "the input's own scale and zero point"
    return normalised(height, width, _USUAL), f"not stated in the file; assuming {_USUAL}"


def normalised(height: int, width: int, stats: InputStats) -> Preprocessing:
    """``real = (pixel - mean) / std`` after the resize of TensorFlow 1, for all channels."""
    return Preprocessing(height, width, _rgb(1 / stats.std), _rgb(stats.mean / stats.std))


def _bytes_as_they_are(height: int, width: int, spec: TensorSpec) -> Preprocessing:
    """The preprocessing of an input whose lowest integer is black."""
    assert spec.scale is not None
    assert spec.zero_point is not None
    zero = spec.zero_point - int(np.iinfo(spec.dtype).min)
    return Preprocessing(height, width, _rgb(spec.scale), _rgb(spec.scale * zero))


def _rgb(value: float) -> tuple[float, float, float]:
    return value, value, value


def _export_for(file: TfliteFile, path: Path, named: Path | None) -> ExportedGraph | None:
    """The export that a file was made from; None where it cannot be known."""
    try:
        exported = load_export(named or path.parent)
    except ValidationError:
        if named is not None:
            raise
        return None
    unlike = disagreement(file, exported.contract)
    if named is not None and unlike:
        raise GraphConfigMismatch(
            "the export belongs to another model", got=unlike, where=f"{path.name} and {named}"
        )
    return None if unlike else exported


def disagreement(file: TfliteFile, contract: SsdContract) -> str:
    """Where a file and a contract differ; empty where they may belong together."""
    size = contract.preprocessing
    rows = file.anchors[0] if file.anchors else _rows(file)
    classes = None if file.postprocess is None else file.postprocess.num_classes
    facts = (
        ("input", list(file.inputs[0].shape[1:3]), [size.height, size.width]),
        ("anchors", rows, contract.num_anchors),
        ("classes", classes, contract.num_classes),
    )
    return "; ".join(
        f"{what} {wanted}, the file's {own}"
        for what, own, wanted in facts
        if own is not None and own != wanted
    )


def _rows(file: TfliteFile) -> int | None:
    shapes = [spec.shape for spec in file.outputs if spec.name == BOX_ENCODINGS_NAME]
    return shapes[0][1] if shapes and len(shapes[0]) > 1 else None


def _raw_without_contract(path: Path) -> ArtefactMissing:
    return ArtefactMissing(
        "a file that ends in raw outputs does not have its anchors",
        expected=f"{CONTRACT_FILE} and anchors.npy of its export beside it",
        where=path,
        next_step="name the folder that export wrote with --export_directory",
    )
