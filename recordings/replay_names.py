"""Which replays a recording holds, and how many rows of their tables are committed."""

from collections.abc import Mapping
from typing import Any, cast

import zarr

from .members import groups
from .schema import SCHEMA

GROUP = "replay"


def replay_groups(root: zarr.Group) -> dict[str, dict[str, Any]]:
    """Attributes of every replay in a recording, by name; one whose creation was interrupted is left out."""
    if GROUP not in root:
        return {}
    group = cast(zarr.Group, root[GROUP])
    if not root.store.supports_listing:
        return {}
    found = {name: dict(member.attrs) for name, member in groups(group).items()}
    whole = {n: a for n, a in found.items() if a.get("schema") == SCHEMA and isinstance(a.get("committed"), Mapping)}
    return dict(sorted(whole.items()))
