"""How the OD API's feature extractors normalise pixels: ``pixel * scale - offset``.

Needs no TensorFlow. Known by the extractor alone where no preprocessor stands in a graph.
"""

from __future__ import annotations

Triple = tuple[float, float, float]

# (2/255) x - 1: all feature extractors of the OD API but the ResNets, which subtract the mean
# of each RGB channel.
UNIT_RANGE: tuple[Triple, Triple] = ((2 / 255,) * 3, (1.0,) * 3)
CHANNEL_MEANS: tuple[Triple, Triple] = ((1.0,) * 3, (123.68, 116.779, 103.939))
