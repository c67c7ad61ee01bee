"""Run folders: what lies where, what made them, and the one way to open a trained one."""
