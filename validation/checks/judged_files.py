"""The file under test, its labels and what it is fed: artefacts that the run's folder keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from validation.errors import DatasetError
from validation.files.atomic import atomic_file, write_text_atomic
from validation.files.structured import write_json
from validation.inspection.feeding_facts import LabelFacts, feeding_facts
from validation.inspection.of_tflite import inspect_tflite
from validation.metadata.detector import label_lines, written_names
from validation.record.kept_files import anchors_name, feeding_name, labels_name, tflite_name
from validation.record.run import Artefact, ArtefactRole
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext
from validation.zoo.integrity import digest_file, digest_files


def judged_file(context: CheckContext, path: Path) -> Artefact:
    """The very file that the checks of a subject judge."""
    return context.artefact(ArtefactRole.TFLITE, path, kept=True)


def files_beside(context: CheckContext, judged: Artefact) -> list[Artefact]:
    """What an app needs with a judged file: feeding facts, labels, and anchors for raw outputs.

    Raises:
        ValidationError: The file and the graph that it was made from do not belong together.
    """
    given = context.given
    if given is None:
        facts = inspect_tflite(judged.path, context.exported.graph.parent)
    else:  # as it is judged: with what the user and the reference state
        facts = inspect_tflite(judged.path, stated=given.stated, known=given.known)
    labels, about, misfit = _labels(context)
    document = context.scratch / feeding_name(context.key)
    write_json(
        document,
        feeding_facts(
            facts,
            file=tflite_name(context.key),
            sha256=judged.sha256,
            anchors_file=anchors_name(context.key) if context.is_raw else "",
            labels=about,
            notes=misfit,
        ),
    )
    feeding = context.artefact(ArtefactRole.FEEDING, document, kept=True)
    return [feeding, *labels, *(_anchors(context) if context.is_raw else ())]


def reference_file(context: CheckContext) -> list[Artefact]:
    """What given files are judged by, where no archive of the session says it already."""
    alone = all(key.file for key in context.subjects)
    if not alone or not context.is_first or context.reference.kind is ReferenceKind.NONE:
        return []
    path = context.reference.path
    files = (each for each in path.rglob("*") if each.is_file())
    digest = digest_file(path) if path.is_file() else digest_files(path, files)
    return [
        Artefact(
            model=context.key.model,
            role=ArtefactRole.REFERENCE,
            variant="",
            name=path.name,
            sha256=digest.sha256,
            size_bytes=digest.size_bytes,
            origin=context.reference.origin,
        )
    ]


def _anchors(context: CheckContext) -> list[Artefact]:
    if context.given is None:
        path = context.exported.anchors
    else:
        path = context.scratch / anchors_name(context.key)
        with atomic_file(path) as file:
            np.save(file, context.subject.anchors)
    return [context.artefact(ArtefactRole.ANCHORS, path, kept=True)]


def _labels(context: CheckContext) -> tuple[list[Artefact], LabelFacts | None, tuple[str, ...]]:
    """The label file; what is said of it; and why there is none where names do not fit."""
    known = context.label_list
    if known is None:
        return [], None, ()
    count = context.num_classes
    try:
        lines, names = label_lines(known, count), written_names(known, count)
    except DatasetError as error:
        return [], None, (f"no label file: {error}",)
    path = context.scratch / labels_name(context.key)
    # Lines end as they do for every reader, whatever machine the suites run on.
    write_text_atomic(path, "".join(f"{line}\n" for line in lines))
    about = LabelFacts(path.name, 1 if context.is_raw else 0, names.describe())
    return [context.artefact(ArtefactRole.LABELS, path, kept=True)], about, ()
