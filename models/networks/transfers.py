"""Transfer functions by word, for layers of one's own and for builders."""

from ..populations.transfer import ABSOLUTE, GELU, IDENTITY, RELU, Transfer, leaky, triangle
from .layer import transfer_of

PLAIN = {"relu": RELU, "identity": IDENTITY, "gelu": GELU, "abs": ABSOLUTE}


def transfer(word: str, where: str) -> Transfer:
    """The transfer function that a word names, such as `relu` or `triangle(0.7)`.

    Args:
        word: as `transfer_of` reads it.
        where: put before a complaint, e.g. `network.layers[0]`.

    Raises:
        ModelError: an unknown one, or a number that it does not take.
    """
    name, number = transfer_of(word, where)
    if number is None:
        return PLAIN[name]
    return triangle(number) if name == "triangle" else leaky(number)
