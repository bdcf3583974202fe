"""What the page of one model shows: a record's entries as rows of text, worst first."""

from __future__ import annotations

from dataclasses import dataclass

from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.record import formatting
from validation.record.run import Artefact
from validation.record.store import Record
from validation.record.types import Background, CheckResult, Measure, Panel, Picture, Timing
from validation.report import charts
from validation.report.accuracy_table import AccuracyRow, accuracy_rows, reference_first
from validation.report.quantisation_tables import QuantisationView, quantisation_views
from validation.signoff.findings import reason
from validation.signoff.rules import ModelVerdict, evidence


@dataclass(frozen=True)
class MeasureRow:
    """One measured value.

    Args:
        used: Share of the limit in percent, if that says anything.
        settled: An exact value that is as expected; there are many, and they fold away.
    """

    name: str
    value: str
    limit: str
    headroom: str
    used: int | None
    judged: bool
    status: Status
    reason: str
    settled: bool


@dataclass(frozen=True)
class CheckBlock:
    """One check with its measures; ``required`` when no signature is possible without it."""

    check: str
    status: Status
    required: bool
    message: str
    where: str
    seconds: str
    measures: tuple[MeasureRow, ...]

    @property
    def open_measures(self) -> tuple[MeasureRow, ...]:
        """What a reader has to look at."""
        return tuple(row for row in self.measures if not row.settled)

    @property
    def settled_measures(self) -> tuple[MeasureRow, ...]:
        """Exact values that are as expected."""
        return tuple(row for row in self.measures if row.settled)


@dataclass(frozen=True)
class VariantSection:
    """The verdict on a variant and everything that led to it."""

    variant: str
    anchor: str
    status: Status
    reasons: tuple[str, ...]
    checks: tuple[CheckBlock, ...]


@dataclass(frozen=True)
class TimingRow:
    """The latency of one model file on one runtime, in milliseconds."""

    variant: str
    runtime: str
    threads: str
    warmup: str
    samples: str
    fastest: str
    p50: str
    p95: str
    slowest: str
    histogram: charts.Histogram | None


@dataclass(frozen=True)
class PanelView:
    """The boxes of one runtime over the picture."""

    title: str
    count: str
    boxes: tuple[charts.DrawnBox, ...]


@dataclass(frozen=True)
class PictureView:
    """One image and its panels, the reference first."""

    image: str
    width: int
    height: int
    jpeg_base64: str
    font_size: float
    label_height: float
    panels: tuple[PanelView, ...]


@dataclass(frozen=True)
class ArtefactRow:
    """One file that took part."""

    role: str
    name: str
    sha256: str
    size: str
    bytes: str
    origin: str
    licence: str


@dataclass(frozen=True)
class FigureRow:
    """One figure of the publisher's, as published: not rounded."""

    meaning: str
    value: str


@dataclass(frozen=True)
class BackgroundView:
    """What the catalogue knows of the model; at least a figure or a trap."""

    description: str
    published: tuple[FigureRow, ...]
    traps: tuple[str, ...]


@dataclass(frozen=True)
class ModelPage:
    """Everything on the page of one model; ``background`` is None where nothing is known."""

    model: str
    file_name: str
    status: Status
    variants: tuple[VariantSection, ...]
    accuracies: tuple[AccuracyRow, ...]
    has_absent_figures: bool
    quantisations: tuple[QuantisationView, ...]
    timings: tuple[TimingRow, ...]
    pictures: tuple[PictureView, ...]
    background: BackgroundView | None
    artefacts: tuple[ArtefactRow, ...]


def model_page(record: Record, verdict: ModelVerdict, policy: Policy, file_name: str) -> ModelPage:
    """The view of one model.

    Args:
        record: The run's record.
        verdict: On this model.
        policy: Says which checks are required.
        file_name: Of the page that will be written.
    """
    model = verdict.model
    results = [result for result in record.results if result.model == model]
    accuracies = accuracy_rows([entry for entry in record.accuracies if entry.model == model])
    return ModelPage(
        model=model,
        file_name=file_name,
        status=verdict.verdict.status,
        variants=tuple(
            VariantSection(
                variant=variant,
                anchor=f"variant-{number}",
                status=verdict.variants[variant].status,
                reasons=tuple(map(reason, verdict.variants[variant].findings)),
                checks=_check_blocks(
                    [result for result in results if result.variant == variant],
                    policy.required_checks(variant),
                ),
            )
            for number, variant in enumerate(reference_first(verdict.variants), 1)
        ),
        accuracies=accuracies,
        has_absent_figures=any(cell.absent for row in accuracies for cell in row.cells),
        quantisations=quantisation_views(
            entry for entry in record.quantisations if entry.model == model
        ),
        timings=tuple(_timing_row(entry) for entry in record.timings if entry.model == model),
        pictures=tuple(_picture(entry) for entry in record.pictures if entry.model == model),
        background=_background([entry for entry in record.backgrounds if entry.model == model]),
        artefacts=_artefacts([entry for entry in record.artefacts if entry.model == model]),
    )


def _check_blocks(results: list[CheckResult], required: tuple[str, ...]) -> tuple[CheckBlock, ...]:
    blocks = [
        CheckBlock(
            check=result.check,
            status=evidence(result),
            required=result.check in required,
            message=result.explanation,
            where=result.where,
            seconds=formatting.duration(result.seconds) if result.seconds else "",
            measures=tuple(
                sorted(map(_measure_row, result.measures), key=lambda row: _rank(row.status))
            ),
        )
        for result in results
    ]
    present = {result.check for result in results}
    blocks += [
        CheckBlock(check, Status.UNKNOWN, True, "no result in the record", "", "", ())
        for check in required
        if check not in present
    ]
    return tuple(sorted(blocks, key=lambda block: _rank(block.status)))


def _rank(status: Status) -> int:
    return WORST_FIRST.index(status)


def _measure_row(measure: Measure) -> MeasureRow:
    value, limit = formatting.value_and_limit(measure)
    return MeasureRow(
        name=measure.name,
        value=value,
        limit=limit,
        headroom=formatting.headroom(measure),
        used=formatting.used_percent(measure),
        judged=measure.limit is not None,
        status=measure.status,
        reason=formatting.limit_reason(measure.limit),
        settled=measure.limit is not None
        and measure.limit.relation == "equal"
        and measure.status is Status.PASS,
    )


def _timing_row(entry: Timing) -> TimingRow:
    some = bool(entry.samples_ms)
    return TimingRow(
        variant=entry.variant,
        runtime=entry.runtime,
        threads=formatting.number(entry.threads),
        warmup=formatting.number(entry.warmup),
        samples=formatting.number(len(entry.samples_ms)),
        fastest=formatting.milliseconds(min(entry.samples_ms, default=None)),
        p50=formatting.milliseconds(entry.p50_ms if some else None),
        p95=formatting.milliseconds(entry.p95_ms if some else None),
        slowest=formatting.milliseconds(max(entry.samples_ms, default=None)),
        histogram=charts.histogram(entry.samples_ms, entry.p50_ms, entry.p95_ms) if some else None,
    )


def _picture(entry: Picture) -> PictureView:
    return PictureView(
        image=entry.image,
        width=entry.width,
        height=entry.height,
        jpeg_base64=entry.jpeg_base64,
        font_size=charts.font_size(entry.width),
        label_height=charts.label_height(entry.width),
        panels=tuple(_panel(panel, entry) for panel in entry.panels),
    )


def _panel(panel: Panel, picture: Picture) -> PanelView:
    boxes = charts.draw_boxes(panel, picture.width, picture.height, picture.labels)
    count = len(panel.scores)
    text = formatting.plural(count, "detection") if count else "no detections"
    if len(boxes) < count:
        text += f", {count - len(boxes)} with NaN not drawn"
    return PanelView(panel.title, text, boxes)


def _background(entries: list[Background]) -> BackgroundView | None:
    for entry in entries:
        if entry.published or entry.traps:
            rows = tuple(FigureRow(each.meaning, str(each.value)) for each in entry.published)
            return BackgroundView(entry.description, rows, entry.traps)
    return None


def _artefacts(entries: list[Artefact]) -> tuple[ArtefactRow, ...]:
    """One row a file, whichever variants were made from it or checked with it."""
    same: dict[tuple[str, str, str], list[Artefact]] = {}
    for entry in entries:
        same.setdefault((entry.role, entry.name, entry.sha256), []).append(entry)
    return tuple(_artefact_row(each) for each in same.values())


def _artefact_row(entries: list[Artefact]) -> ArtefactRow:
    entry = entries[0]
    variants = ", ".join(dict.fromkeys(each.variant for each in entries))
    return ArtefactRow(
        role=f"{entry.role} {variants}".rstrip(),
        name=entry.name,
        sha256=entry.sha256,
        size=formatting.size(entry.size_bytes),
        bytes=formatting.number(entry.size_bytes),
        origin=entry.origin,
        licence=entry.licence,
    )
