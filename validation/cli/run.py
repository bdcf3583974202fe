"""``python -m validation run``: pytest on the suites, in a checkout or from an installed wheel."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import validation
from validation.cli.flags import Commands
from validation.zoo.cache import default_cache_dir

if TYPE_CHECKING:
    import pytest

_PACKAGE = Path(validation.__file__).parent
_HELP = """\
usage: validation run [OPTION...] [PATH...]

Export, convert and judge models: pytest on the suites, with a configuration of its own. The report
goes to a new folder below reports/ in the current folder. A PATH adds suites of your own.

"""
_MORE_HELP = """
and every option of pytest, such as -k EXPRESSION, -n WORKERS, -x, -v, --junit-xml FILE and
-p PLUGIN; `pytest --help` lists them. The exit code is pytest's: 0 all passed, 1 a check failed,
4 wrong use, 5 nothing to check.

example:
  python -m validation run --zoo my_models --coco-annotations my.json --coco-images my_images"""


def add_command(commands: Commands) -> None:
    """List the command; what follows its name is pytest's and goes to `run`."""
    commands.add_parser(
        "run", help="export, convert and judge models, and write a report", add_help=False
    )


def run(arguments: Sequence[str]) -> int:
    """Run pytest on the suites.

    Args:
        arguments: Options of the harness and of pytest.

    Returns:
        pytest's exit code.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP + _options() + _MORE_HELP)
        return 0
    # Not at the top: the other commands need no pytest.
    import pytest

    suites = suites_folder()
    settings = [
        f"--config-file={_PACKAGE / 'plugin' / 'pytest.ini'}",
        f"--rootdir={suites.parent}",
        # Only reports/ is made in the current folder.
        f"--override-ini=cache_dir={default_cache_dir() / 'pytest'}",
        f"--benchmark-storage=file://{default_cache_dir() / 'benchmarks'}",
        "-pvalidation.plugin",
    ]
    return int(pytest.main([*settings, str(suites), *arguments], plugins=[_OwnSuites()]))


def suites_folder() -> Path:
    """The suites: in the package where a wheel brought them, beside it in a checkout."""
    inside = _PACKAGE / "suites"
    return inside if inside.is_dir() else _PACKAGE.with_name("suites")


class _OwnSuites:
    """Refuses a folder of something else, which pytest would silently find no tests in."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Look into the folders that are named beside the harness's own suites."""
        from pytest import UsageError

        for folder in map(Path, config.args[1:]):
            if folder.is_dir() and not any(folder.rglob("test_*.py")):
                raise UsageError(
                    f"no suites: expected test_*.py below the folder ({folder}); "
                    f"if it holds models, name it with --zoo {folder}"
                )


def _options() -> str:
    """The harness's own options, as ``--help`` of a command shows them."""
    from validation.plugin.options import add_options

    parser = argparse.ArgumentParser(add_help=False, usage=argparse.SUPPRESS)
    add_options(parser.add_argument)
    return parser.format_help()
