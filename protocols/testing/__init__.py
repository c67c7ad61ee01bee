"""Batteries of tests for what others write: a rule, a store of recordings, an optimiser, a network's builder.

`apical.testing` offers their names. Plain asserts: no test runner is needed to run them, any that knows pytest's conventions collects them.
"""

from .builders import BuilderTests, check_builder
from .findings import Broken, Finding
from .optimisers import OptimiserTests, check_optimiser
from .rules import RuleTests, check_rule
from .stores import StoreTests, check_store

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
