"""What is said of a cluster that took part in a run."""

from __future__ import annotations

from validation.record.cluster_use import ClusterMachine, ClusterUse, LostWorker

_MACHINES = (ClusterMachine("a", "EPYC", 4, 4), ClusterMachine("b", "EPYC", 4, 4))


def test_what_it_did() -> None:
    """Pieces, images, workers and machines; what an earlier run had kept."""
    use = ClusterUse("tcp://a:8786", _MACHINES, 12, 1000, 60.0, 2.0, kept=200)
    assert use.describe() == (
        "cluster tcp://a:8786: 12 pieces of 1,000 images, 200 images kept from an earlier run, "
        "by 8 workers on 2 machines"
    )
    assert list(use.notices()) == []


def test_lost_workers_and_what_was_made_again() -> None:
    """By machine, and by the name of the piece."""
    lost = (LostWorker("tcp://a:1", "a"), LostWorker("tcp://c:1"))
    again = ("m-float, run float, images 0 to 99",)
    use = ClusterUse("tcp://a:8786", _MACHINES, 12, 1000, 60.0, 2.0, lost=lost, repeated=again)
    (notice,) = use.notices()
    assert notice == (
        "2 workers of the cluster went away during the run (a, tcp://c:1); made again by others: "
        "m-float, run float, images 0 to 99"
    )


def test_processors_of_several_kinds() -> None:
    """Their floating-point results may differ, so that it is said."""
    machines = (_MACHINES[0], ClusterMachine("b", "Xeon", 4, 4))
    (notice,) = ClusterUse("tcp://a:8786", machines, 1, 1, 1.0, 1.0).notices()
    assert notice.startswith("the cluster has machines of 2 kinds of processors (EPYC, Xeon)")


def test_runs_that_it_could_not_make() -> None:
    """The session's own process made them."""
    use = ClusterUse("local:1", _MACHINES, 1, 1, 1.0, 1.0, failed=("m-float, run float",))
    (notice,) = use.notices()
    assert notice == "not made by the cluster, but by this process: m-float, run float"
