"""The pages of a run, made from its folder as ``validation report`` makes them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from validation.policy.load import Policy
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import render_report
from validation.signoff.rules import judge, policy_of

VOID = {"meta", "img", "br", "link", "input", "hr"}


def render_run(run_dir: Path, policy: Policy | None = None) -> Path:
    """Read, judge and render one run.

    Returns:
        Path of index.html.
    """
    record = load_record(run_dir / RECORD_NAME, allow_unfinished=True)
    policy = policy or policy_of(record)
    return render_report(run_dir, record, judge(record, policy), policy)


class Page(HTMLParser):
    """Tags that do not balance, every attribute, every script, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: set[str] = set()
        self.text = ""
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "tags left open"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and its attributes."""
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Refuse an end that does not close the innermost tag."""
        assert self.open, f"</{tag}> without start"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather what a reader sees."""
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.text += f" {data}"

    def values(self, name: str) -> list[str]:
        """The values of every attribute of that name."""
        return [value for _, found, value in self.attributes if found == name]


def pages_of(index: Path) -> dict[str, Page]:
    """Every page of a run by file name, parsed."""
    return {
        path.name: Page(path.read_text(encoding="utf-8")) for path in index.parent.glob("*.html")
    }
