"""A .tflite file as a detector: how images are fed to it, and how that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, ConversionError
from validation.export.exported import CONTRACT_FILE
from validation.inference.feed_sources import FeedSources
from validation.inference.feeding import Feeding, describe_feeding, feeding_of
from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.inference.known_model import KnownModel
from validation.inference.outputs import Ending, OutputBinding, bind_outputs
from validation.inference.own_export import OwnExport, own_export, with_known
from validation.inference.quantisation_notices import quantisation_notices
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.labels.label_list import LabelList
from validation.metadata.class_labels import labels_of
from validation.metadata.detector import image_size
from validation.metadata.model_metadata import ModelMetadata, TensorMetadata
from validation.metadata.unpacking import metadata_of
from validation.preprocess.feed import has_usable_scale, takes_bytes
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import Preprocessing, SsdContract
from validation.specs.feeds import NOTHING_STATED, StatedFeed
from validation.specs.input_stats import range_of
from validation.tflite.custom_ops import EDGE_TPU, describe_foreign, foreign_ops, refusal
from validation.tflite.facts import TfliteFile, describe
from validation.tflite.heads import quantised_input
from validation.tflite.model import UnpackedModel, read_model


@dataclass(frozen=True)
class TfliteModel:
    """A .tflite file and what it takes to use it.

    Args:
        path: The file.
        file: Its contents.
        feeding: From image to input, and how that is known.
        binding: Which output is which.
        num_classes: Without the background; None where nothing says it.
        contract: Of the export it was made from; None where that is not at hand.
        anchors: float32 [N, 4] of that export, or None. A raw file has both.
        labels: Of its own metadata, as they stand there; None where it has none.
        notices: What was assumed, ignored or found wrong.
    """

    path: Path
    file: TfliteFile
    feeding: Feeding
    binding: OutputBinding
    num_classes: int | None
    contract: SsdContract | None = None
    anchors: NDArray[np.float32] | None = None
    labels: LabelList | None = None
    notices: tuple[FileNotice, ...] = ()

    @property
    def preprocessing(self) -> Preprocessing:
        """The resize, and what pixels become."""
        return self.feeding.preprocessing

    @property
    def source(self) -> str:
        """How the feed is known, for people."""
        return self.feeding.source

    def describe_feed(self) -> str:
        """``300x300, pixels become [-1, 1] (its own metadata)``."""
        size = self.preprocessing
        words = describe_feeding(self.feeding, self.file.inputs[0])
        return f"{size.height}x{size.width}, {words}"

    def detector(self) -> TfliteDetector | RawTfliteDetector:
        """A detector with an interpreter of its own: one for each thread.

        Raises:
            ConversionError: LiteRT does not take the file.
        """
        runtime = TfliteRuntime(self.path)
        names, way = self.binding.names, self.feeding.way
        if self.binding.ending is not Ending.RAW:
            first = self.binding.first_class
            return TfliteDetector(runtime, self.preprocessing, names, way, first)
        if self.contract is None or self.anchors is None:
            raise _raw_without_contract(self.path)
        contract = dataclasses.replace(self.contract, preprocessing=self.preprocessing)
        return RawTfliteDetector(runtime, contract, self.anchors, names, way)


def open_tflite(
    path: Path,
    *,
    export: Path | None = None,
    stated: StatedFeed = NOTHING_STATED,
    known: KnownModel | None = None,
) -> TfliteModel:
    """Read a .tflite file and find out how images are to be fed to it; see `feeding_of`.

    Args:
        path: The .tflite file.
        export: Folder that `export` wrote; it has to fit. None: the file's own folder is
            searched, and an export that does not fit is ignored.
        stated: What the caller states of the feed.
        known: Of the model that the file is judged as, for what neither the file nor an export
            beside it says; ignored where it cannot be the file's.

    Raises:
        ArtefactMissing: No such file, or a raw file without anchors and contract.
        ConversionError: No SSD: not one image [1, H, W, 3] in, or other outputs.
        GraphConfigMismatch: `export` belongs to another model.
    """
    model = read_model(path)
    file = describe(model)
    if EDGE_TPU in model.custom_ops:
        raise cast(ConversionError, refusal(model.custom_ops, path.name))
    own = with_known(own_export(file, path, export), file, known)
    metadata = metadata_of(model)
    try:
        binding = bind_outputs(model, file, metadata, own.contract)
        feeding = feeding_of_file(model, file, own, metadata, stated)
    except ConversionError as error:
        refused = refusal_of(model, error)
        if refused is not None and refused is not error:
            raise refused from error
        error.where = error.where or path.name
        raise
    if binding.ending is Ending.RAW and (own.contract is None or own.anchors is None):
        raise _raw_without_contract(path)
    return TfliteModel(
        path=path,
        file=file,
        feeding=feeding,
        binding=binding,
        num_classes=_num_classes(file, own.contract),
        contract=own.contract,
        anchors=own.anchors,
        labels=None if metadata is None else labels_of(metadata),
        notices=(
            *feeding.notices,
            *own.notices,
            *file_notices(model, file, binding),
            *metadata_notices(metadata),
        ),
    )


def refusal_of(model: UnpackedModel, unknown: ConversionError | None) -> ConversionError | None:
    """Why a file is not run, of all that is against it; None where nothing is.

    Args:
        model: Its tables.
        unknown: Why its outputs are not known, or its input cannot be fed.
    """
    ops = refusal(model.custom_ops, model.name)
    # To convert it without ops of its maker's would not make a detector of another model.
    if unknown is not None and set(foreign_ops(model.custom_ops)) == {"custom"}:
        return unknown
    return ops or unknown


def feeding_of_file(
    model: UnpackedModel,
    file: TfliteFile,
    own: OwnExport,
    metadata: ModelMetadata | None,
    stated: StatedFeed = NOTHING_STATED,
) -> Feeding:
    """What a file is fed, of all that is known of it.

    Raises:
        ConversionError: Not one image as input, or see `feeding_of`.
    """
    height, width = image_size(file)
    contract, inner = own.contract, quantised_input(model)
    sources = FeedSources(
        stats=stated.stats,
        asked=stated.way,
        metadata=metadata,
        export=None if contract is None else contract.preprocessing,
        export_is_named=own.is_named,
        reference_states=own.is_reference,
        inner=None
        if inner is None or not takes_bytes(inner) or not has_usable_scale(inner)
        else range_of(inner),
    )
    return feeding_of(file.inputs[0], height, width, sources)


def file_notices(
    model: UnpackedModel, file: TfliteFile, binding: OutputBinding | None
) -> tuple[FileNotice, ...]:
    """What its outputs, its quantisation and its ops give to know.

    Args:
        model: Its tables.
        file: Its facts.
        binding: None for a file that is no detector.
    """
    foreign = tuple(
        FileNotice(
            FileNoticeKind.OPS_NOT_BUILT_IN,
            {"ops": ", ".join(names), "what": describe_foreign(kind), "ops_kind": kind},
        )
        for kind, names in foreign_ops(model.custom_ops).items()
    )
    outputs = () if binding is None else binding.notices
    return (*foreign, *outputs, *quantisation_notices(model, file, binding))


def metadata_notices(metadata: ModelMetadata | None) -> tuple[FileNotice, ...]:
    """What apps' libraries do to scores by the metadata, and this harness does not."""
    outputs = () if metadata is None else metadata.outputs
    found: dict[str, FileNotice] = {}
    for notice in _about_scores(outputs):
        found.setdefault(notice.describe(), notice)
    return tuple(found.values())


def _about_scores(outputs: tuple[TensorMetadata, ...]) -> Iterator[FileNotice]:
    for output in outputs:
        threshold, calibration = output.score_threshold, output.score_calibration
        if threshold is not None:
            yield FileNotice(
                FileNoticeKind.THRESHOLD_NOT_APPLIED, {"threshold": threshold}, moves_figures=True
            )
        if calibration is not None:
            yield FileNotice(
                FileNoticeKind.CALIBRATION_NOT_APPLIED,
                {
                    "transformation": calibration.transformation.name.lower(),
                    "default": calibration.default_score,
                },
                moves_figures=True,
            )


def _num_classes(file: TfliteFile, contract: SsdContract | None) -> int | None:
    if file.postprocess is not None:
        return file.postprocess.num_classes
    return None if contract is None else contract.num_classes


def _raw_without_contract(path: Path) -> ArtefactMissing:
    return ArtefactMissing(
        "a file that ends in raw outputs does not have its anchors",
        expected=f"{CONTRACT_FILE} and anchors.npy of its export beside it",
        where=path,
        next_step=f"`python -m validation judge {path.name} REFERENCE` takes them from a TF1 graph "
        "or a .tflite as reference, or name the folder that export wrote with --export_directory",
    )
