"""Procedural objects."""
