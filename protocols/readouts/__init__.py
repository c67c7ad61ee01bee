"""Read-outs: from rates or potentials to an accuracy."""
