"""JSON texts that carry a checksum of themselves: a changed bit is told from a value.

The last entry of the object is `"sha256"`, of the text before it. A text without that entry is one of an earlier version, and believed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

NAME = "sha256"
# any last entry of this length is taken for the checksum, so that a bit flipped in its name does not make the text an earlier one
_LAST = re.compile(r',\n "([^"\n]{5,7})": "([^"\n]{64})"\n\}\n?\Z')


def sealed(document: Mapping[str, Any]) -> str:
    """The document as JSON with its checksum.

    Args:
        document: JSON values, without an entry `sha256`; not empty.
    """
    body = json.dumps(dict(document), indent=1, allow_nan=False).removesuffix("\n}")
    return f'{body},\n "{NAME}": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'


def is_sealed(text: str) -> bool:
    """Whether a text carries a checksum, right or wrong."""
    return _LAST.search(text) is not None


def unsealed(text: str) -> dict[str, Any]:
    """The document of a JSON text, without its checksum.

    Raises:
        ValueError: no JSON object, or one that was changed after it was written.
    """
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"a JSON {type(document).__name__} where an object was expected")
    found = _LAST.search(text)
    if found is None:
        if NAME in document:
            raise ValueError("a checksum that is not the last entry: the text was changed after it was written")
        return document
    name, stored = found.groups()
    if name != NAME or stored != hashlib.sha256(text[: found.start()].encode()).hexdigest():
        raise ValueError("another checksum than its own: the text was changed after it was written")
    del document[NAME]
    return document
