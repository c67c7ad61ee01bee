"""The words that name stimuli: those with a name of their own, and data of the user's."""

NAMED = ("shapes", "cifar10", "cifar100", "mnist", "stl10")
KNOWN = (*NAMED, "folder:PATH", "npz:PATH")
WORDS = f"{', '.join(KNOWN[:-1])} or {KNOWN[-1]}"
