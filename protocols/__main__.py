"""`python -m apical.protocols`: the same as `apical`."""

from .command.main import main

if __name__ == "__main__":
    main(prog_name="apical")
