"""Pictures of evidence, thresholds and weights as SVG: text that opens anywhere, without scripts, fonts or network."""

from dedup.pictures.curves import curves
from dedup.pictures.waterfall import waterfall
from dedup.pictures.weights import weights

__all__ = ["curves", "waterfall", "weights"]
