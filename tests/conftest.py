import os

from hypothesis import settings

# before torch is imported: `make test` runs tests side by side, and threads that wait for a core make small operations ten times as slow
os.environ.setdefault("OMP_NUM_THREADS", "1")

# a shared machine may stall any single example; time belongs to benchmarks
settings.register_profile("apical", deadline=None)
settings.load_profile("apical")
