"""Room `models`: what is wired and run. Populations with explicit compartments, networks, the rate engine.

Names are imported on first use, so that settings may read the tables of builders and optimisers without torch.
"""

if __name__ == "models":
    raise ImportError("import apical.models, not models: this folder is a room of the namespace package apical")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, ModelError

if TYPE_CHECKING:
    from .networks.areas import area_network
    from .networks.columns import conv_network, mlp, vgg6, vgg8, vgg11
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
    from .recorder.moment import Moment
    from .recorder.recorder import Recorder
    from .recorder.spec import RecorderSpec

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
    "vgg8",
    "vgg11",
    "wire",
]

_HOMES = {
    "area_network": "networks.areas",
    "conv_network": "networks.columns",
    "mlp": "networks.columns",
    "vgg6": "networks.columns",
    "vgg8": "networks.columns",
    "vgg11": "networks.columns",
    "BlockNetwork": "networks.in_blocks",
    "Network": "networks.network",
    "wire": "networks.network",
    "scff": "networks.three_blocks",
    "softhebb": "networks.three_blocks",
    "AdamW": "optimisers.adamw",
    "Optimiser": "optimisers.base",
    "Collector": "optimisers.collector",
    "LARS": "optimisers.lars",
    "SGD": "optimisers.sgd",
    "RadiusStep": "optimisers.unit_kernels",
    "ApicalProjection": "populations.apical",
    "AreaPopulation": "populations.areas",
    "Activity": "populations.conv",
    "ConvPopulation": "populations.conv",
    "DensePopulation": "populations.conv",
    "Population": "populations.conv",
    "Pooling": "populations.pooling",
    "RELAYS": "populations.relay",
    "Relay": "populations.relay",
    "IDENTITY": "populations.transfer",
    "RELU": "populations.transfer",
    "Transfer": "populations.transfer",
    "leaky": "populations.transfer",
    "triangle": "populations.transfer",
    "Moment": "recorder.moment",
    "Recorder": "recorder.recorder",
    "RecorderSpec": "recorder.spec",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
