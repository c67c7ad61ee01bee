"""`apical align`: how far the local changes of a network are from the backprop gradient of the objective at its top."""

from .run import Plan, align

__all__ = ["Plan", "align"]
