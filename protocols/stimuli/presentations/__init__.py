"""Presentations: what a network is shown at a step."""
