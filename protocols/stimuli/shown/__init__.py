"""Stimuli that a frozen network is shown: a kind each, with every parameter of every stimulus."""
