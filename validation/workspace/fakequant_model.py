"""The fake-quant model of a float model: its ranges are measured on representative images.

The archive has the zoo's quantised layout, so that it is exported and converted as one that
was trained with quantisation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from validation.calibration.feeding import model_feeds
from validation.calibration.images import CalibrationImages
from validation.errors import ConfigError
from validation.files.digest import file_sha256
from validation.record.installed import installed_version
from validation.record.run import Stage
from validation.workspace.products import ProductCache, image_sha256, makers
from validation.zoo.archives import Archive
from validation.zoo.entry import CatalogueEntry, FolderSource


def fakequant_entry(
    name: str,
    archive: Archive,
    frozen_graph: Callable[[], Path],
    chosen: CalibrationImages,
    work: ProductCache,
) -> CatalogueEntry:
    """The archive of the fake-quant model, made if it is not there.

    Args:
        name: Of the model.
        archive: Of the float model.
        frozen_graph: Gives an inference graph whose constants are the weights; asked where
            there is no checkpoint.
        chosen: Images to calibrate with.
        work: Where the archive is kept.

    Raises:
        ConfigError: The archive has no pipeline.config, or that of a quantised model.
        GraphError: Weights and config describe different models.
    """
    config, prefix = archive.pipeline_config, archive.checkpoint_prefix
    if config is None:
        raise ConfigError(
            "a float model becomes uint8 by its pipeline.config, and the archive has none",
            where=archive.root.name,
            next_step="put the pipeline.config of its training beside it; int8 needs none",
        )
    weights = [frozen_graph()] if prefix is None else sorted(prefix.parent.glob(f"{prefix.name}.*"))

    def make(folder: Path) -> None:
        from validation.calibration.fakequant_archive import (
            CalibrationFacts,
            weights_of_checkpoint,
            weights_of_frozen_graph,
            write_fakequant,
        )
        from validation.calibration.ranges import RangeMethod
        from validation.export.graph_io import read_graph
        from validation.pipeline.config import load_pipeline

        keys = tuple(image.key for image in chosen.images)
        facts = CalibrationFacts(chosen.source, keys, chosen.seed, RangeMethod.LEAST_ERROR)
        write_fakequant(
            folder,
            load_pipeline(config),
            config.read_text(encoding="utf-8"),
            weights_of_frozen_graph(read_graph(weights[0]))
            if prefix is None
            else weights_of_checkpoint(prefix),
            functools.partial(model_feeds, chosen),
            facts,
        )

    made_from = {
        "weights": {path.name: file_sha256(path) for path in weights},
        "config": file_sha256(config),
        "images": [image_sha256(image) for image in chosen.images],
        "seed": chosen.seed,
        "min_span": chosen.min_span,
        "pillow": installed_version("pillow"),
        **makers("graphs", "export", "pipeline", "preprocess", "calibration"),
    }
    step = f"fakequant on {len(chosen.images)} images"
    folder = work.product(name, Stage.FAKEQUANT, step, made_from, make)
    return CatalogueEntry(
        name=name,
        group=archive.entry.group,
        source=FolderSource(folder),
        quantised=True,
        labels=archive.labels,
        origin=f"{name} with ranges calibrated on {chosen.source}",
    )
