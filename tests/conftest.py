from hypothesis import settings

# a shared machine may stall any single example; time belongs to benchmarks
settings.register_profile("apical", deadline=None)
settings.load_profile("apical")
