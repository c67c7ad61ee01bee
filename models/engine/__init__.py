"""The rate engine: sweeps, plasticity step, checkpoints."""
