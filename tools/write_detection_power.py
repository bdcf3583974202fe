"""Write what a run over known faults came to as a Markdown document.

    validation run -m faults -n 2
    python tools/write_detection_power.py reports/<run>/faults.json docs/detection-power.md

The outcomes are kept beside the document, under its name with .json.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.errors import UsageError, ValidationError
from validation.faults.document import document
from validation.faults.power import read_power, write_power
from validation.files.atomic import write_text_atomic


def main(arguments: list[str] | None = None) -> int:
    """Write the document and the outcomes beside it.

    Returns:
        0, or the exit code of the error on stderr.
    """
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
    )
    parser.add_argument("outcomes", type=Path, metavar="FAULTS.json", help="of a run")
    parser.add_argument("output", type=Path, metavar="OUTPUT.md", help="replaced if it is there")
    options = parser.parse_args(arguments)
    try:
        if not options.output.parent.is_dir():
            raise UsageError(
                "no such folder", where=options.output.parent, next_step="make it first"
            )
        power = read_power(options.outcomes)
        write_text_atomic(options.output, document(power))
        write_power(options.output.with_suffix(".json"), power)
    except ValidationError as error:
        sys.stderr.write(f"write_detection_power: {type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
