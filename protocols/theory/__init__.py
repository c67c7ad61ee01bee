"""Where local learning equals backpropagation, checked numerically: `apical theory`."""

from .run import check_theory, unmet

__all__ = ["check_theory", "unmet"]
