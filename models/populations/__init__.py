"""Two-compartment populations: convolutional, dense, divided into areas; their pools, relays, apical projections and geometry."""
