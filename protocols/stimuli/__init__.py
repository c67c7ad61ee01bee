"""Stimuli: data sets, procedural objects, views."""
