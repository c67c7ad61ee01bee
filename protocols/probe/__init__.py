"""`apical probe`: frozen read-outs of a trained run."""
