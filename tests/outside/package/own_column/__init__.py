"""Somebody's own rule, network, protocol and data set."""
