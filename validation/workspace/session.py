"""What one session works with: a selection, its data, and the cases made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

from validation.calibration.images import CalibrationImages
from validation.coco.dataset import Dataset
from validation.inference.input_cache import InputCache
from validation.labels.label_list import LabelList
from validation.pieces.store import PieceStore
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.run import Step
from validation.record.shares import Share, SharedRange, split
from validation.record.types import USUAL_LEVEL, ModelKey
from validation.record.until_decided import UntilDecided
from validation.specs.feeds import NOTHING_STATED, StatedFeed
from validation.specs.input_stats import InputStats
from validation.specs.references import ReferenceKind
from validation.tflite.facts import read_tflite
from validation.workspace.candidates import Candidate
from validation.workspace.context import CheckContext, class_join, image_files
from validation.workspace.given_baseline import GivenBaseline
from validation.workspace.given_subject import GivenSubject, TfliteReference, form_of
from validation.workspace.image_runs import ImageRuns
from validation.workspace.looks import LookPlan
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.no_archive import NoArchive
from validation.workspace.other_references import (
    NoReference,
    ResultsReference,
)
from validation.workspace.planned_conversion import Convert, convert_here
from validation.workspace.products import ProductCache, folder_for
from validation.workspace.reference_source import ReferenceSource
from validation.workspace.saved_model_reference import SavedModelReference
from validation.workspace.sides import Reference
from validation.zoo.canaries import Canary
from validation.zoo.entry import CatalogueEntry


@dataclass
class Session:
    """Selection, data and chains of a session; nothing is fetched before a test asks.

    Args:
        entries: Models under test that have an archive.
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
        feed: What the user states of the feed of given files.
        runs: Folder for what the files under test find, shared by the session's processes;
            None: a temporary one, removed with the session.
        candidates: Files that were given.
        judged_by: What --reference names for them; None: the archive's graph.
        baseline: What --baseline names, read; None without it.
        pieces: Folders of what other machines made of the session's runs; new pieces go into the
            first. Empty without any.
        increments: The labelled images in parts, each of which is run by itself; empty where all
            are run together.
        level: Of the intervals.
        until_decided: At which look the session stopped, where it is one of several.
        products: Folders of converted files that other machines made.
        share: Which share of a run the session makes; None: a whole run.
        notes: What is to be said of the selection.
        convert: Fills the folder of a conversion that is not in the cache.
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
    feed: StatedFeed = NOTHING_STATED
    runs: Path | None = None
    candidates: tuple[Candidate, ...] = ()
    judged_by: ReferenceSource | None = None
    baseline: GivenBaseline | None = None
    pieces: tuple[Path, ...] = ()
    increments: tuple[tuple[ImageFile, ...], ...] = ()
    level: float = USUAL_LEVEL
    until_decided: UntilDecided | None = None
    products: tuple[Path, ...] = ()
    share: Share | None = None
    notes: tuple[str, ...] = ()
    convert: Convert = convert_here
    steps: list[Step] = field(default_factory=list)
    _inference: dict[str, ModelInference] = field(default_factory=dict)
    _given: dict[ModelKey, CheckContext] = field(default_factory=dict)

    @cached_property
    def parts(self) -> Mapping[ModelKey, tuple[int, int]]:
        """The range of images of each subject that the session looks at; empty for a whole run."""
        ranges = () if self.share is None else self.ranges
        return {each.key: (each.first, each.last) for each in ranges}

    @property
    def ranges(self) -> tuple[SharedRange, ...]:
        """The share's images; all of them for a whole run."""
        firsts = {key.model: key for key in reversed(self.keys)}
        # What judges a model is run with its first subject.
        weights = [(key, 2 if firsts[key.model] == key else 1) for key in self.keys]
        return split(weights, self.image_count, self.share or Share(1, 1))

    @property
    def image_count(self) -> int:
        """Of its images, the data set's and the canaries."""
        return len(image_files(self.dataset, self.canaries))

    @cached_property
    def _shared(self) -> Path:
        return self.runs or folder_for(self)

    @cached_property
    def _work(self) -> ProductCache:
        return ProductCache(self.cache_dir / "work", self.steps.append, self.products)

    def context(self, key: ModelKey) -> CheckContext:
        """The context of a subject; the model's subjects share its build and its runs."""
        build, inference = self._made(key.model)
        context = CheckContext(
            key,
            build,
            inference,
            self.policy,
            self.dataset,
            self.canaries,
            tuple(each for each in self.keys if each.model == key.model),
            self.labels,
            baseline=self.baseline,
            level=self.level,
            part=self.parts.get(key),
        )
        if not key.file:
            return context
        if key not in self._given:
            self._given[key] = self._with_sides(context)
        return self._given[key]

    def _with_sides(self, context: CheckContext) -> CheckContext:
        """The context of a given file; both sides are read once in a session."""
        key = context.key
        reference = self._reference(context, lambda: self._given[key])
        found = next(each for each in self.candidates if each.key == key)
        given = GivenSubject(key, found.path, found.file, self._image_runs, reference, self.feed)
        return dataclasses.replace(context, given=given, judged_by=reference)

    def _reference(self, context: CheckContext, given: Callable[[], CheckContext]) -> Reference:
        """What a given file is judged by.

        Args:
            context: Without the two sides.
            given: The same with them, once they are made: it says which classes the file has.
        """
        source, model = self.judged_by, context.key.model
        if source is None or source.kind is ReferenceKind.GRAPH:
            return context.reference
        if source.path is None:
            return NoReference()
        runs = self._image_runs
        if source.kind is ReferenceKind.TFLITE:
            file = read_tflite(source.path)
            key = ModelKey(model, form_of(file), f"reference {source.path.name}")
            subject = GivenSubject(key, source.path, file, runs, stated=self.feed)
            return TfliteReference(subject)
        if source.kind is ReferenceKind.SAVED_MODEL:
            return SavedModelReference(model, source.path, runs, source.packed)

        def categories() -> Mapping[int, int | None]:
            return class_join(given(), cast(Dataset, self.dataset)).categories

        return ResultsReference(model, source.path, runs, self.dataset, categories)

    @cached_property
    def _image_runs(self) -> ImageRuns:
        scratch = self._shared / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return ImageRuns(
            image_files(self.dataset, self.canaries),
            self._work,
            ProductCache(self._shared, self.steps.append),
            InputCache(),
            scratch,
            self.image_workers,
            PieceStore(self.pieces) if self.pieces else None,
            self._parts(),
        )

    def _parts(self) -> tuple[tuple[ImageFile, ...], ...]:
        """The increments, with the canaries in the first."""
        if not self.increments:
            return ()
        first, *later = self.increments
        return ((*image_files(None, self.canaries), *first), *later)

    def _made(self, model: str) -> tuple[ModelBuild, ModelInference]:
        if all(entry.name != model for entry in self.entries):
            nothing = NoArchive()
            return cast(ModelBuild, nothing), cast(ModelInference, nothing)
        inference = self._inference.get(model)
        if inference is None:
            entry = next(entry for entry in self.entries if entry.name == model)
            build = ModelBuild(
                entry,
                self._work,
                cache_dir=self.cache_dir,
                offline=self.offline,
                lock_file=self.lock_file,
                representative=self.representative,
                input_stats=self.input_stats,
                on_step=self.steps.append,
                convert=self.convert,
            )
            inference = ModelInference(build, self._image_runs)
            self._inference[model] = inference
        return inference.build, inference

    def drain_steps(self) -> list[Step]:
        """The steps made since the last call."""
        steps, self.steps[:] = list(self.steps), []
        return steps

    def at_look(self, plan: LookPlan, number: int, stopped: UntilDecided | None = None) -> Session:
        """The same session on the images of one look, with intervals of its level; runs shared.

        Args:
            plan: Of all looks.
            number: Of the look, from 1 on.
            stopped: Where the session stopped at it.
        """
        return dataclasses.replace(
            self,
            dataset=plan.dataset(number),
            increments=plan.increments(number),
            level=plan.looks[number - 1].level,
            until_decided=stopped,
            runs=self._shared,
            _inference={},
            _given={},
        )

    def for_another_process(self) -> Session:
        """The same session as another process takes part in it: nothing made yet, runs shared."""
        return dataclasses.replace(self, runs=self._shared, steps=[], _inference={}, _given={})
