"""`apical compare`: plasticity rules side by side on one benchmark, with equal budgets and the same read-outs."""
