"""What one session works with: a selection, its data, and the cases made of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from validation.calibration.images import CalibrationImages
from validation.coco.dataset import Dataset
from validation.inference.input_cache import InputCache
from validation.labels.label_list import LabelList
from validation.policy.load import Policy
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.specs.input_stats import InputStats
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache, folder_for
from validation.zoo.canaries import Canary
from validation.zoo.entry import CatalogueEntry


@dataclass
class Session:
    """Selection, data and chains of a session; nothing is fetched before a test asks.

    Args:
        entries: Models under test, at least one.
        keys: Models and variants under test, models in catalogue order.
        policy: Every limit.
        dataset: Labelled images, None where there are none.
        canaries: Images with one known object.
        labels: Of --label-map, None without it.
        cache_dir: Downloads and products.
        offline: Never touch the network.
        lock_file: What trusted downloads are compared with; None takes the one in the cache.
        image_workers: Images that are run at a time; None: one for each core.
        representative: Images to calibrate with, None where there are none.
        input_stats: Of uint8 inputs; None: each extractor's own.
        runs: Folder for what the files under test find, shared by the session's processes;
            None: a temporary one, removed with the session.
        steps: Made before the session began.
    """

    entries: tuple[CatalogueEntry, ...]
    keys: tuple[ModelKey, ...]
    policy: Policy
    dataset: Dataset | None
    canaries: tuple[Canary, ...]
    labels: LabelList | None
    cache_dir: Path
    offline: bool
    lock_file: Path | None = None
    image_workers: int | None = None
    representative: CalibrationImages | None = None
    input_stats: InputStats | None = None
    runs: Path | None = None
    steps: list[Step] = field(default_factory=list)
    _inference: dict[str, ModelInference] = field(default_factory=dict)

    @cached_property
    def _feeds(self) -> InputCache:
        return InputCache()

    @cached_property
    def _shared(self) -> Path:
        return self.runs or folder_for(self)

    @cached_property
    def _work(self) -> ProductCache:
        return ProductCache(self.cache_dir / "work", self.steps.append)

    def context(self, key: ModelKey) -> CheckContext:
        """The context of a subject; the model's variants share its build and its runs."""
        inference = self._inference.get(key.model)
        if inference is None:
            entry = next(entry for entry in self.entries if entry.name == key.model)
            build = ModelBuild(
                entry,
                self._work,
                cache_dir=self.cache_dir,
                offline=self.offline,
                lock_file=self.lock_file,
                representative=self.representative,
                input_stats=self.input_stats,
                on_step=self.steps.append,
            )
            images = image_files(self.dataset, self.canaries)
            inference = ModelInference(
                build,
                images,
                self.steps.append,
                workers=self.image_workers,
                runs=self._shared,
                feeds=self._feeds,
            )
            self._inference[key.model] = inference
        return CheckContext(
            key,
            inference.build,
            inference,
            self.policy,
            self.dataset,
            self.canaries,
            tuple(each.variant for each in self.keys if each.model == key.model),
            self.labels,
        )

    def drain_steps(self) -> list[Step]:
        """The steps made since the last call."""
        steps, self.steps[:] = list(self.steps), []
        return steps

    def for_another_process(self) -> Session:
        """The same session as another process takes part in it: nothing made yet, runs shared."""
        return dataclasses.replace(self, runs=self._shared, steps=[], _inference={})
