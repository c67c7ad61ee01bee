"""`%%bash` of the notebooks: stops at the first command that fails, and its output comes in one piece, as at a terminal.

Run by IPython at the start of every notebook. Its own `%%bash` goes on after a failed line, and hands lines on in pieces that a page breaks.
"""

import subprocess
import sys
import warnings

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython


def bash(line: str, cell: str) -> None:
    """Run a cell of commands and print what they say."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", cell],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode:
        raise UsageError(f"exit code {done.returncode}: {cell}\n{done.stdout[-2000:]}")


# a notebook without widgets, whose bars are text: tqdm says so where it is imported first
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tqdm.auto  # noqa: F401

get_ipython().register_magic_function(bash, "cell", "bash")
