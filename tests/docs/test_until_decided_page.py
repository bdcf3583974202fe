"""docs/until-decided.md: its levels and numbers of images are those of the code and the policy."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import NormalDist

import pytest

from validation.comparison.group_sequential import looks_at, planned_looks, unseen_share
from validation.policy.load import load_policy
from validation.record.formatting import per_cent

_PAGE = (Path(__file__).parents[2] / "docs" / "until-decided.md").read_text(encoding="utf-8")
_POLICY = load_policy()
_LOOKS = planned_looks(
    looks_at(int(_POLICY.setting("until_decided_images")), 5000),
    _POLICY.setting("until_decided_power"),
)
# Of the page's example.
_AP = 0.25


def test_levels_of_the_page() -> None:
    """The table of looks at 5,000 images."""
    rows = re.findall(
        r"^\| (\d) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) % \| ([\d.]+) \|$", _PAGE, re.M
    )
    assert len(rows) == len(_LOOKS)
    for (number, images, spent, level, errors), (place, look) in zip(
        rows, enumerate(_LOOKS, 1), strict=True
    ):
        assert (int(number), int(images.replace(",", ""))) == (place, look.images)
        assert float(spent) == pytest.approx(look.spent)
        assert abs(float(level) - 100 * look.level) < 0.006
        bound = NormalDist().inv_cdf((1 + look.level) / 2)
        assert float(errors) == pytest.approx(bound, abs=0.006)


@pytest.mark.parametrize("variant", ["float", "float16", "dynamic", "int8"])
def test_when_a_form_is_passed_at_the_earliest(variant: str) -> None:
    """By the rule of images that were not seen."""
    limit = _POLICY.limit("accuracy", "ap_drop", "m", variant)
    assert limit is not None
    first = next(
        look.images for look in _LOOKS if unseen_share(look.images, look.level) * _AP <= limit.bound
    )
    text = " ".join(_PAGE.split())
    found = re.search(rf"`{variant}` \((?:limit )?{limit.bound:g}\)[^`]*? at ([\d,]+)", text)
    assert found is not None
    assert int(found[1].replace(",", "")) == first


def test_level_of_a_line_is_as_messages_say_it() -> None:
    """Never rounded up."""
    assert per_cent(_LOOKS[0].level) == "99.75 %"
