"""What is wired: builders, one a file or family, and the contexts of apical dendrites; chosen by words in `table.py` and `contexts.py`."""
