"""Where the `apical` command begins: it answers an interruption before anything that takes time is loaded."""

import os
import signal
import sys

from ..signals import STOPPING, handled, interrupt


def main() -> None:
    """Run the command line; exit 130 with one line when a signal asks to stop while it is loaded or ends."""
    try:
        with handled(interrupt):
            from .main import main as command

            command(prog_name="apical")
    except KeyboardInterrupt:
        if "LOCAL_RANK" not in os.environ:  # a rank that torchrun ends has nothing to say: another one does
            sys.stderr.write("Error: interrupted\n")
        sys.exit(130)
    finally:
        # the exit code stands; a signal while the interpreter ends would only add a traceback
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
