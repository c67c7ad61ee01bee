"""Figures of analyses: functions of the datasets that the analyses return, one figure each."""

from .distributions import distributions
from .fields import fields
from .lines import lines
from .matrices import matrices
from .spectra import spectra
from .spiking import spiking
from .tuned import tuned

__all__ = ["distributions", "fields", "lines", "matrices", "spectra", "spiking", "tuned"]
