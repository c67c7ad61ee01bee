"""`apical.testing`: batteries of tests for what is written outside of Apical.

>>> from apical.plasticity import LPL
>>> from apical.testing import RuleTests
>>> class TestMine(RuleTests):  # in a file that pytest collects
...     rule = LPL()

`check_rule(rule)` runs the same without a test runner and returns what is broken, by name; a zarr store, an optimiser and a network's
builder are asked in the same way.
"""

from apical.protocols.testing import (
    Broken,
    BuilderTests,
    Finding,
    OptimiserTests,
    RuleTests,
    StoreTests,
    check_builder,
    check_optimiser,
    check_rule,
    check_store,
)

__all__ = [
    "Broken",
    "BuilderTests",
    "Finding",
    "OptimiserTests",
    "RuleTests",
    "StoreTests",
    "check_builder",
    "check_optimiser",
    "check_rule",
    "check_store",
]
