"""What a step leaves behind beside weights, put back: running statistics of relays, states of rules."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..networks.network import Network
from ..populations.residual import ResidualBlock


@contextmanager
def kept(network: Network) -> Iterator[None]:
    """Buffers of a network are afterwards what they were, whatever was done in between."""
    before = {name: buffer.clone() for name, buffer in network.buffers.items()}
    try:
        yield
    finally:
        for name, buffer in network.buffers.items():
            buffer.copy_(before[name])


@contextmanager
def relays_kept(network: Network) -> Iterator[None]:
    """Running statistics of relays and residual blocks are afterwards what they were: a sweep that is made again moves them once."""
    buffers = [b for p in network.populations if p.relay is not None for b in p.relay.buffers.values()]
    buffers += [b for p in network.populations if isinstance(p, ResidualBlock) for b in p.buffers.values()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
