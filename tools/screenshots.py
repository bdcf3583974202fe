"""Draw the pictures of the report in docs/images from the pages of a run.

    python tools/screenshots.py reports/RUN                    the first page and a model's page
    python tools/screenshots.py reports/RUN --before reports/EARLIER   and of two runs compared

Needs Chromium (`apt-get install chromium`) and playwright; WebP keeps each below 150 kB.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from validation.cli import main as validation
from validation.files.atomic import write_bytes_atomic

IMAGES = Path(__file__).parents[1] / "docs" / "images"
_MOST_BYTES = 150_000
_QUALITIES = (85, 75, 60, 45)


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        name: Of the file, without its suffix.
        page: File name of the page; ``model`` for the longest one of a model.
        width: Of the window, CSS pixels.
        height: How much of the page is shown.
        scheme: ``light`` or ``dark``.
        part: Selector of what is shown first; empty for the top.
        scale: Pixels of the picture to one of the page.
    """

    name: str
    page: str
    width: int
    height: int
    scheme: str = "light"
    part: str = ""
    scale: float = 1.0


SHOTS = (
    Shot("report", "index.html", 1280, 940),
    Shot("report-phone", "index.html", 390, 844, "dark", scale=1.5),
    Shot("model", "model", 1280, 1000),
    Shot("pictures", "model", 1280, 900, part="#pictures"),
    Shot("matrix", "matrix.html", 1280, 760),
    Shot("compare", "compare.html", 1280, 900),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all pictures whose pages there are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run with its pages")
    parser.add_argument("--before", type=Path, help="folder of an earlier run")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        pages = Path(folder) / options.run.resolve().name
        shutil.copytree(options.run, pages)
        if options.before is not None:
            validation(
                ["compare", str(options.before), str(pages), f"--html={pages / 'compare.html'}"]
            )
        for shot in SHOTS:
            page = _page(pages, shot.page)
            if page.is_file():
                data = _webp(_drawn(browser, page, shot))
                write_bytes_atomic(IMAGES / f"{shot.name}.webp", data)
                sys.stdout.write(f"{shot.name}.webp: {len(data)} bytes\n")
    return 0


def _page(run: Path, name: str) -> Path:
    if name != "model":
        return run / name
    return max(run.glob("model-*.html"), key=lambda page: page.stat().st_size)


@contextmanager
def _browser() -> Iterator[Any]:
    # Not at the top: what the tool says of itself needs no browser.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


def _drawn(browser: Any, page: Path, shot: Shot) -> bytes:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
        device_scale_factor=shot.scale,
        reduced_motion="reduce",
    )
    try:
        opened = context.new_page()
        opened.goto(page.resolve().as_uri())
        if shot.part:
            opened.locator(shot.part).evaluate("each => each.scrollIntoView({behavior: 'instant'})")
        return bytes(opened.screenshot())
    finally:
        context.close()


def _webp(png: bytes) -> bytes:
    """The best quality that keeps to the limit."""
    with Image.open(io.BytesIO(png)) as image:
        for quality in _QUALITIES:
            with io.BytesIO() as stream:
                image.convert("RGB").save(stream, "WEBP", quality=quality, method=6)
                if stream.tell() <= _MOST_BYTES:
                    return stream.getvalue()
    raise SystemExit(f"no quality keeps the picture below {_MOST_BYTES:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
