"""A network of several ranks: what populations and networks make of what ranks tell each other, checks that it fits, and what it costs."""
