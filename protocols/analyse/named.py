"""What an analysis with its options is called, and what its section says that it is of."""

import re
from collections.abc import Sequence
from hashlib import sha256

from .analysis import Analysis
from .options import Options

LONGEST = 80  # characters of a name, which becomes those of folders and files
BARE = ("value", "phase", "source")  # options whose values say by themselves what they choose
DEFAULTS = Options()


def plain(*words: str) -> str:
    """Words joined to a plain name; one that is too long is cut and ends in a digest of the whole.

    >>> plain("analysis", "rank", "", "V1/left")
    'analysis-rank-V1-left'
    """
    name = "-".join(re.sub("[^A-Za-z0-9_.-]+", "-", word) for word in words if word)
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9].rstrip('-._')}-{sha256(name.encode()).hexdigest()[:8]}"


def words_of(options: Options, populations: Sequence[str] = ()) -> list[str]:
    """Words of what differs from the default: results of other options stand beside each other.

    >>> words_of(Options(value="basal", phase="fixation", since=50), ["conv1"])
    ['conv1', 'basal', 'fixation', 'since 50']
    """
    given = {name: getattr(options, name) for name in (*BARE, *Options.__slots__)}
    changed = {name: value for name, value in given.items() if value != getattr(DEFAULTS, name)}
    return [*populations, *(str(v) if name in BARE else f"{name.replace('_', ' ')} {v}" for name, v in changed.items())]


def told_of(chosen: Analysis, options: Options, populations: Sequence[str] = ()) -> str:
    """The signal and the trials of an analysis, as far as it reads them, as the end of a sentence; empty where there is no choice.

    >>> from .rank import ANALYSIS
    >>> told_of(ANALYSIS, Options(value="basal", phase="fixation", since=50), ["conv1"])
    'signal basal, trials of the phase fixation, from step 50 on, population conv1'
    """
    said = {
        "value": f"signal {options.value}",
        "source": options.source and f"apical dendrite of {options.source}",
        "phase": options.phase and f"trials of the phase {options.phase}",
        "since": f"from step {options.since} on" if options.since else "",
        "until": f"before step {options.until}" if options.until else "",
        "by": options.by and f"by {options.by}",
    }
    of = [f"population{'s' * (len(populations) > 1)} {', '.join(populations)}"] if populations else []
    return ", ".join([*(told for name, told in said.items() if told and name in chosen.reads), *of])
