"""`apical new`: a small package of one's own, with its test."""
