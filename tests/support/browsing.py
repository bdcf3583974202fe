"""A page as a reader sees it: in a browser, of some width, by day or by night."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["DESKTOP", "PHONE", "Look", "Visit", "visit"]

# WCAG 2.0 to 2.2, levels A and AA, and what axe calls good practice beside them.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Look:
    """How a page is looked at.

    Args:
        width: Of the window, CSS pixels.
        scheme: ``light`` or ``dark``.
        script: Scripts run.
    """

    width: int
    scheme: str = "light"
    script: bool = True

    def __str__(self) -> str:
        """For the ids of tests."""
        return f"{self.width}-{self.scheme}{'' if self.script else '-no-script'}"


DESKTOP, PHONE = Look(1280), Look(390)


@dataclass
class Visit:
    """A page that is open.

    Args:
        page: playwright's.
        path: The file.
        complaints: What the console printed as an error or a warning, and uncaught exceptions.
        requests: Every address that was asked for.
    """

    page: Any
    path: Path
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def elsewhere(self) -> list[str]:
        """What was asked for that is neither this file nor in it."""
        allowed = (self.path.as_uri(), "data:")
        return [each for each in self.requests if not each.startswith(allowed)]

    def open_everything(self) -> None:
        """Unfold whatever is folded, so that it is looked at too."""
        self.page.evaluate(
            "() => document.querySelectorAll('details').forEach(each => { each.open = true; })"
        )

    def violations(self, axe: str, *, contrast: bool = True) -> list[str]:
        """What axe-core finds, one line a rule and place.

        Args:
            axe: Its source.
            contrast: Colours of texts are looked at too: of a long page that takes a minute.
        """
        # By the debugger's way in, which a page's content security policy does not cover.
        self.page.evaluate(axe)
        found = self.page.evaluate(
            "([rules, contrast]) => axe.run(document, {runOnly: {type: 'tag', values: rules}, "
            "rules: {'color-contrast': {enabled: contrast}}, resultTypes: ['violations']})",
            [_RULES, contrast],
        )
        return [
            f"{rule['id']} ({rule['impact']}): {json.dumps(node['target'])}: "
            f"{' '.join(node['failureSummary'].split())}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def sideways(self) -> int:
        """By how many pixels the page as a whole is wider than the window."""
        return int(
            self.page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )


@contextlib.contextmanager
def visit(browser: Any, path: Path, look: Look = DESKTOP) -> Iterator[Visit]:
    """Open one page in a profile of its own.

    Args:
        browser: playwright's.
        path: Of the page.
        look: See `Look`.
    """
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        color_scheme=look.scheme,
        java_script_enabled=look.script,
        reduced_motion="reduce",
    )
    try:
        seen = Visit(context.new_page(), path)
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("console", lambda message: _note(seen, message))
        seen.page.goto(path.as_uri(), wait_until="load")
        yield seen
    finally:
        context.close()


def _note(seen: Visit, message: Any) -> None:
    if message.type in ("error", "warning"):
        seen.complaints.append(message.text)
