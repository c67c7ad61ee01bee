"""What a step leaves behind beside weights, put back: running statistics of relays, states of rules."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..networks.network import Network


@contextmanager
def kept(network: Network) -> Iterator[None]:
    """Buffers of a network are afterwards what they were, whatever was done in between."""
    before = {name: buffer.clone() for name, buffer in network.buffers.items()}
    try:
        yield
    finally:
        for name, buffer in network.buffers.items():
            buffer.copy_(before[name])
