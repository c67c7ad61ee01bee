"""`apical train`: one network, one rule, one stimulus."""
