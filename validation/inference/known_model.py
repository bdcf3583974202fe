"""What is known of a file's model from elsewhere: by what it is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.specs.contracts import SsdContract


@dataclass(frozen=True)
class KnownModel:
    """The model that a file is said to be of.

    Args:
        contract: What it states; used where the file says nothing itself.
        anchors: float32 [N, 4] in centre form.
    """

    contract: SsdContract
    anchors: NDArray[np.float32]
