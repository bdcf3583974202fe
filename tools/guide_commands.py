"""The commands of a Markdown page, run in their order: for its test, and to print it anew.

A block ```` ```console ```` holds commands behind ``$ ``, their continuations behind ``> ``,
and what they print. ``python tools/guide_commands.py docs/guide.md`` runs
them all in a temporary folder and replaces what the page shows by what they print today.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.files.atomic import write_text_atomic
from validation.zoo.bundled_files import labelled_scenes

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Progress bars, and what TensorFlow and LiteRT say at every start.
_NOISE = re.compile(r"\d+%\||\d+/\d+ \[|^INFO: |^[IWE]\d{4} |^WARNING: All log messages")
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?(e[-+]?\d+)?")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_ERROR = re.compile(r"^error: ", re.MULTILINE)
_SCENES = 40


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Args:
        text: As it is typed, continuations included.
        printed: What the page says that it prints, without a newline at the end.
    """

    text: str
    printed: str

    @property
    def fails(self) -> bool:
        """True where the page shows it ending in an error."""
        return _ERROR.search(self.printed) is not None


def commands_of(page: str) -> Iterator[Command]:
    """The commands of a page in their order."""
    for block in _BLOCK.findall(page):
        yield from _commands(block)


def _commands(block: str) -> Iterator[Command]:
    typed: list[str] = []
    printed: list[str] = []
    for line in [*block.splitlines(), "$ "]:
        if line.startswith("$ "):
            if typed:
                yield Command("\n".join(typed), "\n".join(printed).strip("\n"))
            typed, printed = [line[2:]], []
        elif (line == ">" or line.startswith("> ")) and not printed:
            typed.append(line[2:])
        else:
            printed.append(line)


def lay_out(folder: Path) -> None:
    """Give a folder what a reader brings: photographs with their annotations, and labels."""
    annotations, images = labelled_scenes()
    table = json.loads(annotations.read_text(encoding="utf-8"))
    kept = sorted(table["images"], key=lambda image: image["id"])[:_SCENES]
    ids = {image["id"] for image in kept}
    table["images"] = kept
    table["annotations"] = [each for each in table["annotations"] if each["image_id"] in ids]
    (folder / "photos").mkdir()
    for image in kept:
        shutil.copy(images / image["file_name"], folder / "photos" / image["file_name"])
    (folder / "photos.json").write_text(json.dumps(table), encoding="utf-8")
    names = {each["id"]: each["name"] for each in table["categories"]}
    lines = "".join(f"{names.get(key, '???')}\n" for key in range(1, max(names) + 1))
    (folder / "labels.txt").write_text(lines, encoding="utf-8")


def run(command: Command, folder: Path) -> tuple[int, str]:
    """Run one command in a folder.

    Returns:
        Its exit code, and what a person would have read of both streams; see `readable`.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env={**os.environ, "PATH": path, "XDG_CACHE_HOME": str(folder / "cache")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, readable(done.stdout, folder)


def readable(output: bytes, folder: Path) -> str:
    """What a person would have read: no progress bars, start-up notes or folders of this machine.

    Args:
        output: As bytes: text mode would take the returns inside a progress bar for ends of lines.
        folder: Where the command ran.
    """
    lines = output.decode("utf-8", "replace").split("\n")
    lines = [line.rpartition("\r")[2].rstrip() for line in lines]
    text = "\n".join(line for line in lines if not _NOISE.search(line)).strip("\n")
    return text.replace(f"{folder}/", "").replace(str(folder), ".")


def form(printed: str) -> str:
    """What was printed, numbers and hashes masked: figures differ by machine, words do not."""
    masked = _NUMBER.sub("#", _SHA256.sub("#", printed))
    # A figure near 0 has either sign.
    return re.sub(r" +", " ", re.sub(r"(?<= )[+-]#", "±#", masked))


def _rewritten(page: str, folder: Path) -> str:
    def block(match: re.Match[str]) -> str:
        parts = []
        for command in _commands(match[1]):
            code, printed = run(command, folder)
            sys.stderr.write(f"{code} {command.text.splitlines()[0]}\n")
            if code and not _ERROR.search(printed):
                raise SystemExit(f"{command.text}\n{printed}\nended with {code}")
            typed = "\n".join(f"> {line}".rstrip() for line in command.text.splitlines())[2:]
            parts.append(f"$ {typed}\n" + (f"{printed}\n" if printed else ""))
        return "```console\n" + "".join(parts) + "```"

    return _BLOCK.sub(block, page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the page's commands and write it anew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("page", type=Path, metavar="PAGE")
    parser.add_argument(
        "--start", type=Path, metavar="DIR", help="folder to start from, instead of photographs"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.start is None:
            lay_out(Path(folder))
        else:
            shutil.copytree(options.start, folder, dirs_exist_ok=True)
        text = _rewritten(options.page.read_text(encoding="utf-8"), Path(folder))
        write_text_atomic(options.page, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
