"""Write what a run over known faults came to as a Markdown document.

    validation run -m faults -n 2
    python tools/write_detection_power.py reports/<run>/faults.json docs/detection-power.md

The outcomes are kept beside the document, under its name with .json.
"""

from __future__ import annotations

from pathlib import Path

import document_command

from validation.faults.document import document
from validation.faults.power import read_power, write_power
from validation.files.atomic import write_text_atomic


def main(arguments: list[str] | None = None) -> int:
    """Write the document and the outcomes beside it.

    Returns:
        0, or the exit code of the error on stderr.
    """
    source = ("outcomes", "FAULTS.json", "of a run")
    return document_command.run("write_detection_power", __doc__, source, _write, arguments)


def _write(outcomes: Path, output: Path) -> None:
    power = read_power(outcomes)
    write_text_atomic(output, document(power))
    write_power(output.with_suffix(".json"), power)


if __name__ == "__main__":
    raise SystemExit(main())
