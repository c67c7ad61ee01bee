"""Room `models`: what is wired and run. Populations with explicit compartments, networks, the rate engine."""

if __name__ == "models":
    raise ImportError("import apical.models, not models: this folder is a room of the namespace package apical")

from .apical import ApicalProjection
from .collector import Collector
from .errors import CheckpointError, ModelError
from .network import Network, conv_network, mlp, vgg6, wire
from .optimiser import AdamW, Optimiser
from .population import Activity, ConvPopulation, DensePopulation, Population
from .relay import RELAYS, Relay
from .sgd import SGD
from .tap import Moment, Tap, TapSpec
from .transfer import IDENTITY, RELU, TRANSFERS, Transfer, leaky

__all__ = [
    "IDENTITY",
    "RELAYS",
    "RELU",
    "SGD",
    "TRANSFERS",
    "Activity",
    "AdamW",
    "ApicalProjection",
    "CheckpointError",
    "Collector",
    "ConvPopulation",
    "DensePopulation",
    "ModelError",
    "Moment",
    "Network",
    "Optimiser",
    "Population",
    "Relay",
    "Tap",
    "TapSpec",
    "Transfer",
    "conv_network",
    "leaky",
    "mlp",
    "vgg6",
    "wire",
]
