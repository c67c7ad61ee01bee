"""Which words of a run are from outside, what they were made of, and whether they still are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...models.engine import checkpoint
from ...models.engine.checkpoint import State
from ...models.imported import Unfit
from ...models.networks.contexts import CONTEXTS
from ...models.networks.table import BUILDERS
from ...models.optimisers.table import OPTIMISERS
from ...models.outside import Open, OutsideError, short
from ...models.sources import Source, files_of, hash_of, source_of
from ...plasticity import Needs
from ..errors import ConfigError
from ..progress import notice
from ..settings.foreign import contrasts, rules
from ..settings.load import RunConfig, check_stored, resolve
from ..settings.rule import needs_of
from ..settings.yaml import read
from ..stimuli.datasets.table import DATASETS, ROWS
from ..stimuli.presentations.table import PRESENTATIONS
from .folder import RunFolder

SOURCES = "sources"  # folder of a run
MOST_BYTES = 4 << 20  # of one package
SHORT = 12  # characters of a hash that a reader compares
# settings that choose something which training runs, and the table of each; a read-out is chosen anew by every probe
TABLES: dict[str, Callable[[], Open[Any]]] = {
    "rule.name": rules,
    "rule.contrast": contrasts,
    "rule.context": lambda: CONTEXTS,
    "network.builder": lambda: BUILDERS,
    "optimiser.name": lambda: OPTIMISERS,
    "stimulus.name": lambda: DATASETS,
}


def foreign_words(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, Open[Any]]]:
    """Setting, word and table of everything from outside in resolved settings."""
    for setting, table in TABLES.items():
        group, _, name = setting.partition(".")
        word, known = settings.get(group, {}).get(name), table()
        if not isinstance(word, str) or word in [*known] or word.partition(":")[0] in ROWS:
            continue
        if setting != "rule.context" or word in known:  # a context of several sources is a word of the rule
            yield setting, word, known


def sources(config: RunConfig, needs: Needs | None = None) -> dict[str, dict[str, str]]:
    """The source of every word from outside, by its setting; empty for a run of Apical's own words alone.

    Args:
        config: settings of the run.
        needs: of its rule, where that is made already.

    Raises:
        OutsideError: a word names nothing any more.
    """
    found = list(foreign_words(resolve(config)))
    if needs := needs or needs_of(config.rule):
        declared: list[tuple[Any, Open[Any]]] = [(needs.presentation, PRESENTATIONS)]
        declared += [(source, CONTEXTS) for source in needs.sources if source != config.rule.context]
        found += [
            (f"rule.needs.{short(word)}", word, known)
            for word, known in declared
            if word in known and word not in [*known]
        ]
    return {
        setting: {k: v for k, v in asdict(_source(setting, word, known)).items() if v} for setting, word, known in found
    }


def _source(setting: str, word: str, table: Open[Any]) -> Source:
    try:
        return source_of(word, table.group)
    except Unfit as error:
        raise OutsideError(setting, str(error)) from error


def changes(config: RunConfig, kept: Mapping[str, Mapping[str, str]], run: Path) -> Iterator[tuple[str, str]]:
    """Settings whose source is no longer as it was kept, with a sentence each."""
    if not kept:  # of a run that had nothing from outside, or that no version told
        return
    found = sources(config)
    for setting, then in kept.items():
        now = found.get(setting)
        if now is None or now["sha256"] != then["sha256"]:
            got = "none" if now is None else f"{_told(now)} of another ({now['sha256'][:SHORT]})"
            copy = _kept(run, then)
            restore = "restore it" if copy is None else f"as it was it is {copy}: put that back"
            yield (
                setting,
                f"expected the source that the run was trained with, {_told(then)} of sha256 {then['sha256'][:SHORT]}, got {got}; "
                f"it was changed since; {restore}, or train a new run",
            )


def _told(source: Mapping[str, str]) -> str:
    release = f" ({source['distribution']} {source['version']})" if source.get("distribution") else ""
    return f"{source['file']}{release}"


def keep_sources(folder: RunFolder, found: Mapping[str, Mapping[str, str]]) -> None:
    """Copy the code of a run's own into the run, as it is when the run begins; what is there already stays, and a large package is left out.

    Args:
        folder: of the run.
        found: see `sources`.
    """
    for told in found.values():
        files = files_of(Source(**told))
        if sum(file.stat().st_size for file in files.values()) > MOST_BYTES or _kept(folder.path, told) is not None:
            continue
        for place in (folder.path / SOURCES, folder.path / SOURCES / told["sha256"][:SHORT]):
            if not (place / Path(told["file"]).name).exists():
                for name, file in files.items():
                    (place / name).parent.mkdir(parents=True, exist_ok=True)
                    (place / name).write_bytes(file.read_bytes())
                break


def _kept(run: Path, told: Mapping[str, str]) -> Path | None:
    """The run's own copy of a source, if it is whole."""
    name = Path(told["file"]).name
    for place in (run / SOURCES / name, run / SOURCES / told["sha256"][:SHORT] / name):
        if place.exists() and hash_of(place) == told["sha256"]:
            return place
    return None


def same_sources(config: RunConfig, state: State, run: Path) -> None:
    """Refuse code of the user's own that was changed since a checkpoint was trained with it.

    Args:
        config: settings to go on with.
        state: of the checkpoint.
        run: folder of the run, which has a copy of it.

    Raises:
        ConfigError: file, both hashes and what to do.
    """
    if found := next(changes(config, state.sources, run), None):
        raise ConfigError(": ".join(found))


def lost(folder: RunFolder) -> Iterator[tuple[str, str]]:
    """Settings of a run whose words from outside name nothing any more or something else than in training, with a sentence each.

    Raises:
        ConfigError: the settings were changed, or cannot be read.
    """
    check_stored(folder.config)
    words, whole = list(foreign_words(read(str(folder.config)))), True
    for setting, word, table in words:
        try:
            table[word]
        except OutsideError as error:
            whole = False
            yield setting, error.sentence
        except KeyError:
            whole = False
            yield (
                setting,
                f"expected what {word!r} named in training, got nothing of that name; install the package that had it",
            )
    if whole and words and (stored := checkpoint.found(folder.checkpoints)):
        yield from changes(folder.settings(), checkpoint.read_state(stored[-1]).sources, folder.path)


def read_only(folder: RunFolder) -> bool:
    """Say what of a run's own code is gone or changed, to somebody who only reads what was recorded; whether nothing is.

    Raises:
        ConfigError: no run there, or its settings were changed.
    """
    found = list(lost(folder)) if folder.config.is_file() else []
    for setting, sentence in found:
        notice(f"{setting}: {sentence}; what was recorded is shown as it is")
    return not found
