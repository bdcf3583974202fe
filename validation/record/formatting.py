"""How figures and facts are written for people: one function a kind of value, text out.

Numbers keep the hyphen as their minus sign, so that they can be copied from the page.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from validation.policy.limits import Limit, Status
from validation.record.plurals import plural as plural
from validation.record.types import USUAL_LEVEL, CheckResult, Measure

NOTHING = "\u2014"  # an em dash: not measured

# COCO's evaluation gives this where no ground truth of the kind exists.
NO_GROUND_TRUTH = -1

ANY_VALUE = "any value"
AMPLE = "ample"
# A limit this many times the value, or the value this many times its limit, is far away.
_FAR = 100
_RELATIONS = {"max": "\u2264", "min": "\u2265", "equal": "="}
_RELATIONS_IN_WORDS = {"max": "at most", "min": "at least", "equal": "exactly"}


def number(value: Any) -> str:
    """Any measured value: four significant digits, tiny ones as 1.2e-06."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {number(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(number(item) for item in value)
    return str(value)


def _real(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value}"
    if not value:
        return "0"  # -0.0 too
    size = abs(value)
    if size < 1e-3:
        return f"{value:.1e}"
    if size >= 1e6:
        return f"{value:.3e}"
    if size >= 1000:
        return f"{value:,.1f}".removesuffix(".0")
    text = f"{value:.4g}"
    if value != round(value) == float(text):  # 0.99999 must not read as 1
        text = f"{value:.6g}"
    return text


def quantity(name: str, value: Any) -> str:
    """A measured value in the unit that its measure's name ends in: 9.75 ms, 1.2 %, 4.30 MB."""
    if not is_number(value) or not math.isfinite(value):
        return number(value)
    match name.rpartition("_")[2]:
        case "ms":
            return with_milliseconds(value)
        case "bytes":
            return size(value) if value >= 0 else f"-{size(-value)}"
        case "share":
            return f"{number(float(f'{100 * value:.3g}'))} %"
        case "db":
            return f"{number(value)} dB"
    return number(value)


def value_and_limit(measure: Measure) -> tuple[str, str]:
    """A measured value and its limit, never rounded to the same text when they differ."""
    name, limit = measure.name, measure.limit
    value = quantity(name, measure.value)
    if limit is None:
        return value, ""
    if limit.relation == "any":
        return value, ANY_VALUE
    bound = quantity(name, limit.bound)
    if value == bound and measure.value != limit.bound:
        value, bound = repr(measure.value), repr(limit.bound)
    return value, _limit_text(limit, bound, name)


def interval(measure: Measure) -> str:
    """The confidence interval of a measured value, in its unit; empty without one."""
    if measure.interval is None:
        return ""
    return " to ".join(quantity(measure.name, end) for end in measure.interval)


def per_cent(level: float) -> str:
    """The level of an interval, never rounded up: 95 %, 99.75 %."""
    if level == USUAL_LEVEL:
        return f"{USUAL_LEVEL:.0%}".replace("%", " %")
    # As many nines as there are, and two digits.
    digits = max(0, math.ceil(-math.log10(1 - level)) - 2) + 1
    scale = 10**digits
    return f"{math.floor(100 * level * scale) / scale:.{digits}f} %"


def limit_text(limit: Limit) -> str:
    """A limit by itself, with the value from which it warns."""
    return _limit_text(limit, number(limit.bound), "")


def _limit_text(limit: Limit, bound: str, name: str) -> str:
    if limit.relation == "any":
        return ANY_VALUE
    text = f"{_RELATIONS.get(limit.relation, limit.relation)} {bound}"
    if limit.beyond is Status.WARN:
        return f"{text}, only warns"
    return text if limit.warn is None else f"{text}, warns beyond {quantity(name, limit.warn)}"


def describe_result(result: CheckResult) -> str:
    """One line: the message or the error, the limits that were not kept, and where."""
    decisive = [each for each in result.measures if each.status is result.status]
    limits = [] if result.status is Status.PASS else map(describe_measure, decisive)
    text = "; ".join(part for part in (result.explanation, *limits) if part)
    text = text or result.status.value
    return " ".join((f"{text} ({result.where})" if result.where else text).split())


def describe_measure(measure: Measure) -> str:
    """What was measured and what it should be: the one wording of a broken limit."""
    limit, value = measure.limit, _six_digits(measure.value)
    if limit is None:
        return f"{measure.name} is {value}"
    if limit.relation == "any":
        return f"{measure.name} is {value}, should be a number"
    bound = _six_digits(limit.bound)
    if value == bound and measure.status is not Status.PASS:
        # Rounding would hide by how little the limit is missed.
        value, bound = repr(measure.value), repr(limit.bound)
    bound = f"{_RELATIONS_IN_WORDS.get(limit.relation, limit.relation)} {bound}"
    if measure.interval is not None:
        ends = " to ".join(map(_six_digits, measure.interval))
        value += f" ({per_cent(measure.level)} interval {ends})"
        if measure.is_undecided:
            return f"{measure.name} is {value}, should be {bound}: {_undecided(measure)}"
    if measure.status is Status.WARN and limit.warn is not None:
        warned = f"inside its limit ({bound}) but beyond {_six_digits(limit.warn)}"
        return f"{measure.name} is {value}, {warned}"
    return f"{measure.name} is {value}, should be {bound}"


def _undecided(measure: Measure) -> str:
    if measure.images_needed is None:
        return "too few images to tell"
    return f"too few images to tell, about {measure.images_needed:,} needed"


def _six_digits(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def headroom(measure: Measure) -> str:
    """How far the value stays inside its limit; a minus sign is outside.

    In figures only where the limit is within two orders of magnitude of the value: how far a
    value is from a limit that it never comes near says nothing.
    """
    if measure.limit is None:
        return ""
    left = measure.limit.headroom(measure.value) if is_number(measure.value) else None
    if left is None:
        return NOTHING
    return AMPLE if _is_far(measure) else quantity(measure.name, left)


def _is_far(measure: Measure) -> bool:
    value, limit = measure.value, measure.limit
    if limit is None or limit.status(value) is not Status.PASS or limit.bound <= 0 or value < 0:
        return False
    if limit.relation == "min":
        return bool(value >= _FAR * limit.bound)
    return bool(_FAR * (value or 1) <= limit.bound)


def used_percent(measure: Measure) -> int | None:
    """How much of an upper limit a value uses up, 0 to 100; None where that says nothing."""
    limit, value = measure.limit, measure.value
    if limit is None or limit.relation != "max" or not is_number(value) or limit.bound <= 0:
        return None
    return 100 if measure.status is Status.FAIL else round(100 * max(value / limit.bound, 0.0))


def is_number(value: Any) -> bool:
    """True for what can be more or less; True and False cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def limit_reason(limit: Limit | None) -> str:
    """Why a limit stands where it does, or that none judges the value."""
    return limit.reason if limit is not None else "for information only: no limit judges it"


def coco_figure(value: float | None) -> str:
    """A COCO figure with four decimals; n/a where there is no such ground truth."""
    if value is None:
        return NOTHING
    return "n/a" if value == NO_GROUND_TRUTH else f"{value:.4f}".replace("nan", "NaN")


def coco_difference(value: float | None, reference: float | None) -> float | None:
    """Difference of two COCO figures to four decimals; None where one of them is missing."""
    if value is None or reference is None or NO_GROUND_TRUTH in (value, reference):
        return None
    return round(value - reference, 4)


def coco_delta(difference: float | None) -> str:
    """A difference of COCO figures with its sign; empty where there is none."""
    if difference is None:
        return ""
    return f"{difference:+.4f}".replace("+nan", "NaN") if difference else "0.0000"


def size(count: int | None) -> str:
    """Bytes in decimal units, as file managers and the model zoo give them."""
    if count is None:
        return NOTHING
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.2f} {unit}"
    return f"{count} B"


def milliseconds(value: float | None) -> str:
    """A latency in milliseconds, without the unit."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return number(value)
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def with_milliseconds(value: float) -> str:
    """A latency with its unit; seconds from one second on."""
    if abs(value) >= 1000:
        return f"{number(value / 1000)} s"
    return f"{milliseconds(value)} ms" if abs(value) >= 0.01 or not value else f"{number(value)} ms"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return NOTHING
    if not math.isfinite(seconds):
        return number(seconds)
    if abs(seconds) < 60:
        return f"{seconds:.2f} s" if abs(seconds) < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def moment(text: str) -> str:
    """An ISO 8601 time to the second; any other text as it is."""
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{time:%Y-%m-%d %H:%M:%S} {time.tzname() or ''}".strip()


def id_ranges(ids: tuple[int, ...]) -> str:
    """Category ids with runs drawn together: 1-3, 5."""
    runs: list[list[int]] = []
    for number_ in sorted(set(ids)):
        if runs and number_ == runs[-1][-1] + 1:
            runs[-1].append(number_)
        else:
            runs.append([number_])
    return ", ".join(f"{run[0]}\u2013{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
