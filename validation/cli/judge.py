"""``python -m validation judge``: one file that was made elsewhere, by the suites."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from validation.cli.flags import Commands
from validation.cli.run import leading, options_help, run
from validation.plugin.given import NO_REFERENCE

_WRONG_USE = 4
_BY_PLACE = ("--candidate", "--reference", "--coco-annotations/--annotations")
_MOST = len(_BY_PLACE)
_HELP = """\
usage: validation judge FILE.tflite [REFERENCE] [ANNOTATIONS] [OPTION...]

Judge a .tflite that was made elsewhere: is it still the detector that was trained, what differs and
what does that cost, how fast is it. The same checks, record, page, verdict and exit code as `run`.

REFERENCE is what says what is right: an inference graph, a checkpoint with its pipeline.config, a
folder or archive of the zoo, a SavedModel, another .tflite, detections in COCO's results format.
Without one, labels alone judge, and the verdict says so. ANNOTATIONS is as --coco-annotations.

"""
_MORE_HELP = """
example:
  python -m validation judge detect.tflite frozen_inference_graph.pb \\
      --coco-annotations instances_val2017.json --coco-images val2017"""


def add_command(commands: Commands) -> None:
    """List the command; what follows its name goes to `judge`."""
    commands.add_parser(
        "judge", help="judge a .tflite that was made elsewhere, and write a report", add_help=False
    )


def judge(arguments: Sequence[str]) -> int:
    """Run the suites on one given file.

    Args:
        arguments: The file, maybe its reference and annotations, then options of `run`.

    Returns:
        As `run`; 4 with one line on standard error where no file is named.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP + options_help() + _MORE_HELP)
        return 0
    named = leading(arguments)
    if not named:
        return _refused(
            "no file to judge: expected FILE.tflite first, then options; --help lists what there is"
        )
    if len(named) > _MOST:
        return _refused(
            f"at most a file, its reference and annotations are taken by their place: got "
            f"{named[_MOST]!r} as well; several files go with commas between them, an image "
            "folder with --coco-images"
        )
    file, reference, annotations = (*named, *[""] * (_MOST - len(named)))
    options = [f"--candidate={file}", f"--reference={reference or NO_REFERENCE}"]
    if annotations:
        options.append(f"--coco-annotations={annotations}")
    return run([*options, *arguments[len(named) :]], command="judge", by_place=_BY_PLACE)


def _refused(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return _WRONG_USE
