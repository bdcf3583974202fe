"""docs/detection-power.md: what was injected, what was found, and what was not, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from validation.faults.controls import controls as clean
from validation.faults.outcome import Control, Outcome
from validation.faults.power import Count, DetectionPower
from validation.faults.table import rows
from validation.report.markdown import escaped, table

# Title of each column, and whether it holds figures.
_COUNTS = (
    ("What there is", False),
    ("Faults", True),
    ("Caught", True),
    ("Not signed", True),
    ("Missed", True),
    ("Named right", True),
    ("Right place, other cause", True),
    ("Wrong place", True),
    ("Not named", True),
    ("Equivalent", True),
)
_ROWS = (
    ("Fault", False),
    ("Archive", False),
    ("Caught", False),
    ("By", False),
    ("First diagnosis", False),
    ("Of the public list", False),
)
_CONTROLS = (
    ("Clean model", False),
    ("Verdict", False),
    ("FAIL", True),
    ("WARN", True),
    ("UNKNOWN", True),
    ("Diagnoses", True),
)
_MEANING = "\n".join(
    f"- **{term}**: {meaning}"
    for term, meaning in (
        (
            "Caught",
            "a check says worse than it says of the same model in the same archive without the "
            "fault.",
        ),
        (
            "Not signed",
            "no check sees the fault; the verdict is no PASS, because it names evidence that this "
            "archive lacks.",
        ),
        ("Missed", "the verdict is that of a clean model."),
        ("Named right", "the first diagnosis has the place and the cause."),
        ("Right place, other cause", "it has the place alone."),
        ("Wrong place", "it blames what is right."),
        (
            "Equivalent",
            "a change of which nothing can be seen; the row says why. Counted apart.",
        ),
    )
)


def document(power: DetectionPower) -> str:
    """The page.

    Args:
        power: What a run came to.
    """
    *groups, everything = power.of_thinness()
    blocks = [
        "# Detection power",
        "What the checks find of faults that are injected into real files, and how the first "
        "diagnosis calls them. Generated from the outcomes of one run; do not edit.",
        "```\nvalidation run -m faults -n 2\n"
        "python tools/write_detection_power.py reports/<run>/faults.json docs/detection-power.md\n"
        "```",
        _summary(everything, power.controls),
        "\n".join(
            f"- {escaped(name)}: {escaped(value)}" for name, value in power.circumstances.items()
        ),
        "## By what there is of the archive",
        _counts([*groups, everything]),
        "## By the place of the fault",
        _counts(power.of_place()),
        _MEANING,
        "## Missed",
        _list(power.missed) or "None.",
        "## Blamed on what is right",
        _list(power.misnamed) or "None.",
        "## Clean models",
        _control_table(power.controls),
        _complaints(power.controls),
        "## Every fault",
        _row_table(power.outcomes),
        "## Equivalent changes",
        "\n".join(f"- {escaped(each.title)}: {escaped(each.why)}." for each in power.equivalent)
        or "None.",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def summary_lines(power: DetectionPower) -> tuple[str, ...]:
    """For the terminal: a line for each thinness, then what was missed and misnamed."""
    lines = [
        f"{count.title}: {count.caught} of {count.rows} caught, {count.not_signed} not signed, "
        f"{count.missed} missed; {count.right} named right, {count.wrong_place} in the wrong place"
        for count in power.of_thinness()
    ]
    lines += [f"missed: {each.title} ({each.thinness})" for each in power.missed]
    lines += [
        f"wrong place: {each.title} ({each.thinness}): {each.said}" for each in power.misnamed
    ]
    return tuple(lines)


def _summary(everything: Count, controls: Sequence[Control]) -> str:
    failing = sum(bool(each.failed) for each in controls)
    warnings = sum(len(each.warned) for each in controls)
    return (
        f"**{everything.caught} of {everything.rows} faults are caught "
        f"({everything.share_caught:.0%}), {everything.not_signed} are not signed for want of "
        f"evidence, {everything.missed} are missed. {everything.right} "
        f"({everything.share_right:.0%}) are named right by the first diagnosis, "
        f"{everything.wrong_place} are blamed on what is right. Of {len(controls)} clean models "
        f"{failing} have a FAIL; {warnings} checks warn.** "
        f"{everything.rows + everything.equivalent} of the {len(rows())} rows of the table and "
        f"{len(controls)} of {len(clean())} clean models were run."
    )


def _counts(counts: Sequence[Count]) -> str:
    titles, figures = zip(*_COUNTS, strict=True)
    rows = (
        [
            escaped(each.title) if "`" not in each.title else each.title,
            *(
                str(value)
                for value in (
                    each.rows,
                    each.caught,
                    each.not_signed,
                    each.missed,
                    each.right,
                    each.other_cause,
                    each.wrong_place,
                    each.not_named,
                    each.equivalent,
                )
            ),
        ]
        for each in counts
    )
    return "\n".join(table(titles, rows, figures))


def _row_table(outcomes: Iterable[Outcome]) -> str:
    titles, figures = zip(*_ROWS, strict=True)
    rows = (
        [
            escaped(each.title),
            each.thinness,
            each.caught.value,
            ", ".join(map(escaped, each.by)) or "-",
            f"{each.naming}: {escaped(each.said)}" if each.said else each.naming.value,
            ", ".join(each.known) or "-",
        ]
        for each in outcomes
    )
    return "\n".join(table(titles, rows, figures))


def _control_table(controls: Iterable[Control]) -> str:
    titles, figures = zip(*_CONTROLS, strict=True)
    rows = (
        [
            escaped(each.subject),
            each.verdict.upper(),
            *(str(len(found)) for found in (each.failed, each.warned, each.unknown, each.said)),
        ]
        for each in controls
    )
    return "\n".join(table(titles, rows, figures))


def _complaints(controls: Iterable[Control]) -> str:
    return "\n".join(
        f"- {escaped(each.subject)}: {escaped(said)}"
        for each in controls
        for said in (*each.failed, *each.warned, *each.said)
    )


def _list(outcomes: Iterable[Outcome]) -> str:
    return "\n".join(
        f"- {escaped(each.title)} ({each.thinness}, {', '.join(each.variants)})"
        + (f": {escaped(each.said)}" if each.said else "")
        for each in outcomes
    )
