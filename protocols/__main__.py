"""`python -m apical.protocols`: the same as `apical`."""

from .command.entry import main

if __name__ == "__main__":
    main()
