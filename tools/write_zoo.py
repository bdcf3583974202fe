"""Write docs/zoo.md: what the catalogue knows about the SSD models of the TF1 zoo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from validation.files.atomic import write_text_atomic
from validation.zoo.catalogue import load_catalogue
from validation.zoo.entry import PUBLISHED_FIGURES, CatalogueEntry, HttpsSource

GROUP = "tf1"
_HEAD = """\
# The SSD models of the TF1 zoo

Written by `python tools/write_zoo.py docs/zoo.md` from the catalogue; `python -m validation zoo
show` shows the same for one archive. mAP is the publisher's, on the publisher's images and with the
publisher's NMS: do not compare it with figures from elsewhere.

| model | form | mAP | archive |
|---|---|---|---|
"""
_TRAPS = "\n## Traps\n\nPeculiarities of a model that can cost an afternoon:\n\n"


def document() -> str:
    """The page as Markdown."""
    entries = load_catalogue().select(GROUP, "*")
    rows = "".join(f"{_row(entry)}\n" for entry in entries)
    traps = "".join(
        f"- **{entry.name}**: {' '.join(entry.traps)}\n" for entry in entries if entry.traps
    )
    return f"{_HEAD}{rows}{_TRAPS}{traps}"


def _row(entry: CatalogueEntry) -> str:
    form = "quantised" if entry.quantised else "float"
    source = entry.source
    archive = source.filename if isinstance(source, HttpsSource) else ""
    if entry.subfolder:
        archive += f", `{entry.subfolder}`"
    return f"| {entry.name} | {form} | {_accuracy(entry)} | {archive} |"


def _accuracy(entry: CatalogueEntry) -> str:
    figures = {name: value for name, value in entry.published.items() if "map" in name}
    return "; ".join(
        f"{value:g} ({PUBLISHED_FIGURES[name].removeprefix('mAP in percent').lstrip(' ,')})"
        for name, value in figures.items()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, metavar="OUT.md")
    options = parser.parse_args(arguments)
    write_text_atomic(options.output, document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
