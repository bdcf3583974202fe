"""Which tests are quick, and how the workers of pytest-xdist share them all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

__all__ = ["LONGEST", "SLOW", "is_slow", "one_of_all_workers", "rank", "unit_of"]

# Modules of five seconds and more, the longest first. One that is missing is only started later.
LONGEST = (
    "graphs/test_golden.py",
    "real/test_bundled_zoo.py",
    "cluster/test_pieces.py",
    "plugin/test_cluster.py",
    "tools/test_training.py",
    "real/test_person_fakequant.py",
    "plugin/test_sessions.py",
    "plugin/test_processes.py",
    "cli/test_run_command.py",
    "browser/test_pages.py",
    "graphs/test_zoo_archives.py",
    "docs/test_guide_page.py",
    "faults/test_wrong_models.py",
    "diagnosis/test_file_diff.py",
    "checks/test_route_parity.py",
    "plugin/test_recorder.py",
    "real/test_person_detector.py",
    "export/test_from_graph.py",
    "graphs/quant/test_quant_archives.py",
    "export/test_from_checkpoint.py",
    "plugin/test_workers.py",
    "plugin/test_added_check.py",
    "graphs/extractors/test_inverted_residual.py",
    "calibration/test_fakequant_archive.py",
    "graphs/extractors/test_mobiledet.py",
    "calibration/test_graph_ranges.py",
    "graphs/test_ssd.py",
    "graphs/extractors/test_spaghettinet.py",
)
# No part of `-m quick`: they build graphs, convert them or start processes.
SLOW = {
    *(
        "browser",
        "calibration",
        "checks",
        "cli",
        "cluster",
        "convert",
        "diagnosis",
        "docs",
        "export",
        "faults",
        "fuzz",
    ),
    *("graphs", "inference", "inspection", "isolation", "plugin", "real", "runtimes", "tools"),
    "workspace",
    "test_packaging.py",
    # Simulates thousands of pairs.
    "coco/test_coverage.py",
    # Kill processes.
    *("files/test_targets.py", "files/test_temporaries.py"),
    # Tries checks of a converted model in forks.
    "mutations/test_tripped.py",
    # Ask pip, and start a run.
    *("bisection/test_index.py", "bisection/test_judging.py"),
}
_TESTS = Path(__file__).parents[1]


def is_slow(path: Path) -> bool:
    """Whether a file or folder of tests is left out of `-m quick`."""
    own = path.relative_to(_TESTS)
    return not SLOW.isdisjoint((*own.parts[:1], own.as_posix()))


def rank(nodeid: str) -> int:
    """The place of a test's module among the longest; of all others the last."""
    module = _module(nodeid)
    return LONGEST.index(module) if module in LONGEST else len(LONGEST)


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0].removeprefix("tests/")


def unit_of(nodeid: str) -> str:
    """What goes to one worker: fixtures of a module are then made once."""
    return _module(nodeid)


def one_of_all_workers(folder: Path, fill: Callable[[Path], object]) -> Path:
    """A folder that the first worker to ask fills, while the others wait.

    Args:
        folder: The same for all workers.
        fill: Makes the folder's contents.
    """
    done = folder.with_name(f"{folder.name}.done")
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            folder.mkdir(exist_ok=True)
            fill(folder)
            done.touch()
    return folder
