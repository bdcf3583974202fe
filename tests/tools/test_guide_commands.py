"""A page's commands are found, run and masked as a reader would take them."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_commands import Command, commands_of, form, run

_PAGE = """
Text with `$ no command`.

```console
$ echo one
one
$ cat <<'END'
> two
>
> END
two

$ false
error: wrong
```

```sh
$ echo not a console block
```
"""


def test_commands_with_what_they_print() -> None:
    """Continuations belong to the command, everything else to its output."""
    assert list(commands_of(_PAGE)) == [
        Command("echo one", "one"),
        Command("cat <<'END'\ntwo\n\nEND", "two"),
        Command("false", "error: wrong"),
    ]
    assert [command.fails for command in commands_of(_PAGE)] == [False, False, True]


def test_output_is_what_a_person_reads(tmp_path: Path) -> None:
    """Both streams, without progress bars and this machine's folders."""
    text = (
        "printf 'a: 10%%|# | 1/10 [00:00\\ra: 100%%|##| 10/10 [00:01\\n' >&2; "
        "echo $PWD/file; echo INFO: greeting; exit 3"
    )
    assert run(Command(text, ""), tmp_path) == (3, "file")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("AP 0.195 in 2.1 s", "AP 0.2 in 12.75 s", True),
        ("12,177,460 bytes", "9 bytes", True),
        ("1.2e-05", "3", True),
        ("score  1", "score 1", True),
        ("a shift of +0.01", "a shift of -0.02", True),
        ("int8-1", "int8+1", False),
        ("AP 0.195", "AR 0.195", False),
    ],
)
def test_figures_are_masked_and_words_are_not(one: str, other: str, same: bool) -> None:
    """Numbers differ from machine to machine; what is said of them does not."""
    assert (form(one) == form(other)) is same
