"""Draw the labelled scenes that ship inside the package, or further ones like them.

    python tools/make_scenes.py
        the validation split, again

    python tools/make_scenes.py --seed 2 --count 24 --output-directory calibration
        24 scenes that no accuracy is measured on

The same seed gives the same annotations. The bytes of the images depend on Pillow's version.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bundled.scene_set import VALIDATION_COUNT, VALIDATION_SEED, write_split

from validation.errors import ValidationError

TARGET = Path(__file__).resolve().parent.parent / "validation" / "zoo" / "bundled" / "scenes"
_EXAMPLE = """example:
  python tools/make_scenes.py --seed 2 --count 24 --output-directory calibration
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one split.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        0, or the exit code of the error on stderr.
    """
    options = _parser().parse_args(arguments)
    try:
        write_split(options.output_directory, options.seed, options.count)
    except ValidationError as error:
        sys.stderr.write(f"make_scenes: {type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output-directory",
        type=Path,
        default=TARGET,
        metavar="DIR",
        help="a split that it holds is replaced (default: the package's own)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=VALIDATION_SEED,
        help="decides on the scenes (default: %(default)s, the validation split)",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=VALIDATION_COUNT,
        help="number of images (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
