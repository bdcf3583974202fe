"""``python -m validation run``: pytest on the suites, in a checkout or from an installed wheel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import validation
from validation.cli.flags import Commands, Parser
from validation.files.terminal import CleanStream, printable
from validation.zoo.cache import default_cache_dir

if TYPE_CHECKING:
    import pytest

_PACKAGE = Path(validation.__file__).parent
# pytest.ExitCode.USAGE_ERROR
_WRONG_USE = 4
_HELP = """\
usage: validation run [OPTION...] [PATH...]

Export, convert and judge models: pytest on the suites, with a configuration of its own. The report
goes to a new folder below reports/ in the current folder. A PATH adds suites of your own.

"""
_MORE_HELP = """
and every option of pytest, such as -k EXPRESSION, -n WORKERS, -x, -v, --junit-xml FILE and
-p PLUGIN; `pytest --help` lists them. Exit codes are pytest's: 0 all passed, 1 a check failed,
2 interrupted, 4 wrong use, 5 nothing to check.

example:
  python -m validation run --zoo my_models --coco-annotations my.json --coco-images my_images"""


def add_command(commands: Commands) -> None:
    """List the command; what follows its name is pytest's and goes to `run`."""
    commands.add_parser(
        "run", help="export, convert and judge models, and write a report", add_help=False
    )


def run(arguments: Sequence[str], *, command: str = "run", by_place: Sequence[str] = ()) -> int:
    """Run pytest on the suites.

    Args:
        arguments: Options of the harness and of pytest.
        command: That was typed, for what is said of wrong use.
        by_place: Flags, as argparse names them, whose values that command takes by their place.

    Returns:
        pytest's exit code; 4 with one line on standard error for wrong use.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP + options_help() + _MORE_HELP)
        return 0
    parser = _parser(command)
    parser.by_place = by_place
    typed = parser.as_declared(arguments)
    try:
        # pytest would show its own usage, which lists none of these.
        argparse.ArgumentParser.parse_known_args(parser, typed)
        return _pytest(typed, parser)
    except _WrongUseError as error:
        CleanStream(sys.stderr).write(f"error: {printable(str(error))}\n")
        return _WRONG_USE


def _pytest(arguments: Sequence[str], parser: _RunParser) -> int:
    # Not at the top: the other commands need no pytest.
    import pytest

    from validation.plugin.wrong_use import WrongUse

    suites = suites_folder()
    settings = [
        f"--config-file={_PACKAGE / 'plugin' / 'pytest.ini'}",
        f"--rootdir={suites.parent}",
        # Only reports/ is made in the current folder.
        f"--override-ini=cache_dir={default_cache_dir() / 'pytest'}",
        f"--benchmark-storage=file://{default_cache_dir() / 'benchmarks'}",
        "-pvalidation.plugin",
    ]
    plugins = [WrongUse(parser.refuse_as_pytest), _OwnSuites()]
    return int(pytest.main([*settings, str(suites), *arguments], plugins=plugins))


def leading(arguments: Sequence[str]) -> list[str]:
    """The arguments before the first option, which a command takes by their place."""
    named: list[str] = []
    for each in arguments:
        if each.startswith("-"):
            break
        named.append(each)
    return named


def suites_folder() -> Path:
    """The suites: in the package where a wheel brought them, beside it in a checkout."""
    inside = _PACKAGE / "suites"
    return inside if inside.is_dir() else _PACKAGE.with_name("suites")


class _WrongUseError(Exception):
    """Wrong use of options or files; the message is the line to print."""


class _RunParser(Parser):
    """The harness's own options; leaves the others to pytest."""

    own_values_only = True
    by_place: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        """Refuse without ending the process; a flag that nobody typed is not named."""
        for flag in self.by_place:
            message = message.removeprefix(f"argument {flag}: ")
        raise _WrongUseError(f"{self.complaint(message)}; {self.advice}")

    def refuse_unknown(self, arguments: Sequence[str]) -> None:
        """Nothing yet: pytest knows more options."""

    def refuse_as_pytest(self, text: str) -> NoReturn:
        """Refuse what pytest has refused, in one line."""
        if not text.startswith("usage: "):
            raise _WrongUseError(text)
        # Below pytest's usage: the complaint, then the files that pytest has read.
        complaint = text.partition(": error: ")[2].partition("\n")[0]
        unknown = complaint.removeprefix("unrecognized arguments: ")
        if unknown != complaint:
            super().refuse_unknown(unknown.split())
        self.error(complaint)


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


def options_help() -> str:
    """The harness's own options, as ``--help`` of a command shows them."""
    parser = _parser()
    parser.usage = argparse.SUPPRESS
    return parser.format_help()


def _parser(command: str = "run") -> _RunParser:
    parser = _RunParser(prog=f"validation {command}", add_help=False, allow_abbrev=False)
    add_options_to(parser)
    return parser


def add_options_to(parser: argparse.ArgumentParser) -> None:
    """Declare the harness's own options."""
    # Not at the top: it imports pytest.
    from validation.plugin.options import add_options

    add_options(parser.add_argument)
