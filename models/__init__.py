"""Room `models`: what is wired and run. Populations with explicit compartments, networks, the rate engine."""

if __name__ == "models":
    raise ImportError("import apical.models, not models: this folder is a room of the namespace package apical")

from .errors import CheckpointError, ModelError
from .networks.areas import area_network
from .networks.columns import conv_network, mlp, vgg6, vgg11
from .networks.in_blocks import BlockNetwork
from .networks.network import Network, wire
from .networks.three_blocks import scff, softhebb
from .optimisers.adamw import AdamW
from .optimisers.base import Optimiser
from .optimisers.collector import Collector
from .optimisers.lars import LARS
from .optimisers.sgd import SGD
from .optimisers.unit_kernels import RadiusStep
from .populations.apical import ApicalProjection
from .populations.areas import AreaPopulation
from .populations.conv import Activity, ConvPopulation, DensePopulation, Population
from .populations.pooling import Pooling
from .populations.relay import RELAYS, Relay
from .populations.transfer import IDENTITY, RELU, Transfer, leaky, triangle
from .recorder import Moment, Recorder, RecorderSpec

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
    "Recorder",
    "RecorderSpec",
    "Relay",
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
