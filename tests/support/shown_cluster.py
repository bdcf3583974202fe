"""A cluster that lost a worker, for pages that are only shown."""

from __future__ import annotations

from shown_names import Names

from validation.record.cluster_use import ClusterMachine, ClusterUse, LostWorker


def shown_cluster(names: Names) -> ClusterUse:
    """Two machines, of which one lost its worker.

    Args:
        names: Of what the page shows.
    """
    return ClusterUse(
        f"tcp://{names.label}:8786",
        (
            ClusterMachine(names.label, "Xeon", 4, 4),
            ClusterMachine("other", names.message, 4, 4),
        ),
        24,
        4800,
        61.5,
        1.5,
        lost=(LostWorker("tcp://10.0.0.2:40000", names.label),),
        repeated=(f"{names.label} run float images 0 to 249",),
    )
