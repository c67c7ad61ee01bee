"""`apical verify`: what of a run is whole, what is lost, and what can be given back."""
