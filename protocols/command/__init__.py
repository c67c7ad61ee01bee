"""The command line: `main.py` names the commands, each of which imports its experiment when it runs."""
