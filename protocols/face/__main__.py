"""`python -m apical`: the command, for launchers that start modules, such as `torchrun -m apical train ...`."""

from apical.protocols.command.entry import main

if __name__ == "__main__":
    main()
