"""The words that name stimuli; the last two stand for data of the user's own."""

KNOWN = ("shapes", "cifar10", "cifar100", "mnist", "stl10", "folder:PATH", "npz:PATH")
WORDS = f"{', '.join(KNOWN[:-1])} or {KNOWN[-1]}"
