"""One variant of one model, with everything that its checks use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.coco.categories import CategoryJoin, join_categories
from validation.coco.dataset import Dataset
from validation.errors import NotProvided
from validation.export.exported import ExportedGraph
from validation.files.digest import file_sha256
from validation.labels.alignment import ClassNames, align, no_names
from validation.labels.label_list import LabelList
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile
from validation.record.run import Artefact, ArtefactRole, Evidence, EvidenceContent
from validation.record.types import USUAL_LEVEL, ModelKey
from validation.specs.variants import variant_of
from validation.timing.sampling import Stopwatch
from validation.workspace.given_baseline import GivenBaseline
from validation.workspace.given_subject import GivenSubject, TfliteReference
from validation.workspace.image_runs import ImageRuns
from validation.workspace.model_build import EVALUATION, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.workspace.routes import RouteFindings
from validation.workspace.sides import Reference, Subject
from validation.workspace.variant_sides import GraphReference, VariantSubject
from validation.zoo.canaries import Canary


@dataclass(frozen=True)
class FoundSoFar:
    """What the session's earlier checks of a subject have left.

    Args:
        entries: As the record has them.
        run_folder: That their paths lie in; None where nothing was kept yet.
    """

    entries: tuple[object, ...] = ()
    run_folder: Path | None = None

    def matches(self, key: ModelKey) -> Path | None:
        """The kept file of what was right of the subject's detections; None without it."""
        folder = self.run_folder
        kept = [
            each.path
            for each in self.entries
            if isinstance(each, Evidence)
            and each.key == key
            and each.content is EvidenceContent.MATCHES
        ]
        return folder / kept[0] if folder is not None and kept else None


@dataclass(frozen=True)
class CheckContext:
    """A model and one of its variants, in a session.

    Args:
        key: Model and variant.
        build: Makes the model's files.
        inference: Runs them on the session's images.
        policy: Every limit.
        dataset: Labelled images, None where none were given.
        canaries: Images with one known object.
        subjects: Every subject of this model in the session; what belongs to the model as
            a whole is recorded with the first.
        labels: The session's label map; it goes before the archive's own.
        stopwatch: Times calls; None where other work would disturb it.
        given: The file under test, where it was converted elsewhere.
        judged_by: What says what is right; None: the archive's graph.
        baseline: What the session is compared with; None where it is with nothing.
        found: What earlier checks of this subject have left; only for a comparison.
        level: Of the intervals.
        part: Of the session's images, those that a share of a run looks at; None: all.
    """

    key: ModelKey
    build: ModelBuild
    inference: ModelInference
    policy: Policy
    dataset: Dataset | None
    canaries: tuple[Canary, ...]
    subjects: tuple[ModelKey, ...]
    labels: LabelList | None = None
    stopwatch: Stopwatch | None = None
    given: GivenSubject | None = None
    judged_by: Reference | None = None
    baseline: GivenBaseline | None = None
    found: FoundSoFar = FoundSoFar()
    level: float = USUAL_LEVEL
    part: tuple[int, int] | None = None

    @property
    def is_raw(self) -> bool:
        """True when the variant ends in the raw outputs."""
        return not variant_of(self.key.variant).add_postprocessing_op

    @property
    def exported(self) -> ExportedGraph:
        """The model's exported graph in the form that the variant has: with the op, or raw."""
        return self.build.exported(self.build.options, add_postprocessing_op=not self.is_raw)

    @property
    def has_shipped_flags(self) -> bool:
        """The file has flags of a shipped graph that are not those of its evaluation."""
        return not (self.given or self.is_raw) and self.build.options != EVALUATION

    @property
    def is_first(self) -> bool:
        """True for the variant that speaks for the model as a whole."""
        return self.key == self.subjects[0]

    @property
    def subject(self) -> Subject:
        """The file under test."""
        return self.given or VariantSubject(self.build, self.inference, self.key.variant)

    @property
    def reference(self) -> Reference:
        """What it is judged by."""
        return self.judged_by or GraphReference(self.build, self.inference)

    @property
    def routes(self) -> RouteFindings:
        """What the archive's files that describe the model's graph have in common."""
        return self.build.routes(self.policy.setting("route_rounding"))

    @property
    def runs(self) -> ImageRuns:
        """Images of the session, and what was found on them."""
        return self.inference.runs if self.given is None else self.given.runs

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """Every image of the session."""
        return self.runs.images

    @property
    def scratch(self) -> Path:
        """A folder for what is made for a run and kept in the run's own."""
        return self.runs.scratch

    @property
    def work(self) -> ProductCache:
        """Where products are kept."""
        return self.runs.work

    @property
    def parity_images(self) -> tuple[ImageFile, ...]:
        """Images whose raw outputs are compared.

        The first ones, as many as the policy says; fewer where the raw outputs are very large.
        """
        values = self.num_anchors * (self.num_classes + 1 + 4)
        fitting = max(2, int(self.policy.setting("parity_values")) // values)
        return self.images[: min(int(self.policy.setting("parity_images")), fitting)]

    @property
    def num_classes(self) -> int:
        """Of the file under test, without the background."""
        return self.subject.num_classes

    @property
    def num_anchors(self) -> int:
        """Of the file under test; 1 where nothing says it, as where detections are all it gives."""
        if self.given is None:
            return self.build.exported().contract.num_anchors
        try:
            return len(self.given.anchors)
        except NotProvided:
            return 1

    def class_names(self) -> ClassNames:
        """The names of the model's classes, by the session's label map or the archive's own.

        Raises:
            DatasetError: The list does not fit the model's classes.
        """
        labels = self.label_list
        num_classes = self.num_classes
        return no_names(num_classes) if labels is None else align(labels, num_classes)

    @property
    def label_list(self) -> LabelList | None:
        """The session's label map, or else the file's own, or else its reference's."""
        if self.labels is not None:
            return self.labels
        if self.given is not None and self.given.labels is not None:
            return self.given.labels
        if isinstance(self.judged_by, TfliteReference):
            return self.judged_by.subject.labels
        try:
            return self.build.archive.labels
        except NotProvided:
            return None

    def artefact(self, role: ArtefactRole, path: Path, *, kept: bool = False) -> Artefact:
        """For the record: a file that was made for this variant.

        Args:
            role: What it is to the run.
            path: The file.
            kept: The run's folder is to hold a copy of it.
        """
        return Artefact(
            self.key.model,
            role,
            self.key.variant,
            path.name,
            file_sha256(path),
            path.stat().st_size,
            path=str(path) if kept else "",
            file=self.key.file,
        )


def class_join(context: CheckContext, dataset: Dataset) -> CategoryJoin:
    """The category of the labelled images that each of the model's classes is scored as."""
    labels = context.class_names()
    return join_categories(labels.names, dataset, context.num_classes, labels.count)


def image_files(dataset: Dataset | None, canaries: tuple[Canary, ...]) -> tuple[ImageFile, ...]:
    """The images of a session: canaries first, then the data set's by id."""
    files = [ImageFile(canary.path.name, canary.path) for canary in canaries]
    if dataset is not None:
        files += dataset.files
    return tuple(files)
