"""`apical.testing`: batteries of tests for what is written outside of Apical.

>>> from apical.plasticity import LPL
>>> from apical.testing import RuleTests
>>> class TestMine(RuleTests):  # in a file that pytest collects
...     rule = LPL()

`check_rule(rule)` runs the same without a test runner and returns what is broken, by name; `StoreTests` and `check_store` ask a zarr store.
"""

from apical.protocols.testing import Broken, Finding, RuleTests, StoreTests, check_rule, check_store

__all__ = ["Broken", "Finding", "RuleTests", "StoreTests", "check_rule", "check_store"]
