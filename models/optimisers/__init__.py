"""How changes become weights: one optimiser a file, chosen by a word in `table.py`."""
