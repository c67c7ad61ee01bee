"""`apical lesion`: protocols of neuroscience, declared in YAML, on the network of a run."""
