"""docs/baseline.md: its commands are ones that the harness takes, its figures the policy's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from validation.cli import main
from validation.policy.load import load_policy
from validation.record.baseline import BASELINE_CHECK
from validation.report.trends import MOST_RUNS

_PAGE = (Path(__file__).parents[2] / "docs" / "baseline.md").read_text(encoding="utf-8")
_COMMANDS = [
    line
    for text in re.findall(r"^```\n(.*?)^```", _PAGE, re.M | re.S)
    for line in text.splitlines()
]
_POLICY = load_policy()


@pytest.mark.parametrize("command", _COMMANDS)
def test_options_of_a_command_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed with --help, each command lists the options that it uses."""
    _, name, *words = shlex.split(command)
    assert main([name, "--help"]) == 0
    helped = capsys.readouterr().out
    for flag in (word for word in words if word.startswith("--")):
        assert re.search(rf"^  {flag}\b", helped, re.M), flag


@pytest.mark.parametrize(
    ("sentence", "settings"),
    [
        ("{} blocks of {} calls each", ("baseline_blocks", "baseline_calls")),
        ("{} runs are kept (`history_runs`", ("history_runs",)),
        ("p is below {}", ("baseline_p_value",)),
        ("no time for {} calls a block", ("baseline_wall_calls",)),
        ("never fewer than {}", ("baseline_least_blocks",)),
        ("takes {} times as long as the quickest of its block", ("baseline_slow_factor",)),
        ("as many blocks as have {} calls", ("baseline_slow_calls",)),
    ],
)
def test_settings_of_the_page(sentence: str, settings: tuple[str, ...]) -> None:
    """They are those of policy.toml."""
    assert sentence.format(*(f"{_POLICY.setting(name):g}" for name in settings)) in _page()


@pytest.mark.parametrize(
    ("sentence", "setting"),
    [
        ("A change counts from {} % on", "baseline_latency_share"),
        ("from {} % on, better or worse", "baseline_size_share"),
        ("counts where it is {} % of the calls or more", "baseline_slow_share"),
    ],
)
def test_shares_of_the_page(sentence: str, setting: str) -> None:
    """As percentages."""
    assert sentence.format(f"{100 * _POLICY.setting(setting):g}") in _page()


@pytest.mark.parametrize(
    ("sentence", "measure", "factor"),
    [
        ("a loss of more than {}", "ap_loss", 1),
        ("FAIL from {} % more", "latency_growth", 100),
        ("WARN from {} % more", "size_growth", 100),
        ("WARN from {} % of the calls more", "slow_calls_growth", 100),
    ],
)
def test_limits_of_the_page(sentence: str, measure: str, factor: int) -> None:
    """They are those of policy.toml."""
    limit = _POLICY.limit(BASELINE_CHECK, measure, "m", "float")
    assert sentence.format(f"{factor * limit.bound:g}") in _page()


def test_runs_that_are_drawn() -> None:
    """As many as the page says."""
    assert f"over the last {MOST_RUNS} runs" in _page()


def _page() -> str:
    return " ".join(_PAGE.split())
