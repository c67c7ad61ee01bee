"""Overrides under which a cell of a comparison takes a second."""

TINY = [
    "network.width=0.016", "stimulus.n_train=64", "stimulus.n_test=32", "training.batch=16", "probe.n_train=null",
]  # fmt: skip
