"""Room `models`: what is wired and run. Populations with explicit compartments, networks, the rate engine."""

if __name__ == "models":
    raise ImportError("import apical.models, not models: this folder is a room of the namespace package apical")

from .apical import ApicalProjection
from .areas import AreaPopulation, area_network
from .blocks import BlockNetwork
from .collector import Collector
from .errors import CheckpointError, ModelError
from .lars import LARS
from .network import Network, conv_network, mlp, vgg6, vgg11, wire
from .optimiser import AdamW, Optimiser
from .pooling import Pooling
from .population import Activity, ConvPopulation, DensePopulation, Population
from .radius import RadiusStep
from .relay import RELAYS, Relay
from .sgd import SGD
from .tap import Moment, Tap, TapSpec
from .transfer import IDENTITY, RELU, Transfer, leaky, triangle
from .wide import scff, softhebb

__all__ = [
    "IDENTITY",
    "LARS",
    "RELAYS",
    "RELU",
    "SGD",
    "Activity",
    "AdamW",
    "ApicalProjection",
    "AreaPopulation",
    "BlockNetwork",
    "CheckpointError",
    "Collector",
    "ConvPopulation",
    "DensePopulation",
    "ModelError",
    "Moment",
    "Network",
    "Optimiser",
    "Pooling",
    "Population",
    "RadiusStep",
    "Relay",
    "Tap",
    "TapSpec",
    "Transfer",
    "area_network",
    "conv_network",
    "leaky",
    "mlp",
    "scff",
    "softhebb",
    "triangle",
    "vgg6",
    "vgg11",
    "wire",
]
