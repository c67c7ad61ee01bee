"""What is compared: a YAML file with one `base` for all and one entry per rule.

base: settings that every entry shares; `extends` names a preset or several
entries:
  LABEL:
    settings: laid over the base; `rule` replaces the base's rule as a whole; `extends` names presets that lie between
    locality: what one update needs, in words
    published: {accuracy: 80.65, source: where it is printed}     optional
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ...models.outside import placed
from ..errors import ConfigError, nearest
from ..settings.groups import Settings
from ..settings.load import RunConfig, validate
from ..settings.wording import Contradiction, validated
from ..settings.yaml import YAML_SUFFIXES, merge, override, parse_file, read_all

SPECS = Path(__file__).parent / "specs"
SEE = "a known comparison"


def _mapping(value: Any) -> Any:
    if not isinstance(value, dict):
        raise Contradiction(
            f"expected a mapping, got {'null' if value is None else repr(value)}; see a known comparison"
        )
    return value


Group = Annotated[dict[Any, Any], BeforeValidator(_mapping)]


class Published(Settings):
    """An accuracy that was printed, and where."""

    accuracy: float = Field(ge=0, le=100, description="top-1, in per cent, of the full-size system")
    source: str


class Row(Settings):
    """What a file says of one entry."""

    settings: Group = Field(default_factory=dict)
    locality: str = "not stated"
    published: Published | None = None


class Comparison(Settings):
    """What a file says."""

    base: Group = Field(default_factory=dict)
    entries: Group


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the comparison.

    Attributes:
        label: its name.
        own: its own settings, to be laid over the base.
        settings: both together with the overrides, seed and budget aside.
        locality: what one update of a synapse needs.
        published: top-1 accuracy in per cent printed for the full-size system, and where; None where there is none.
    """

    label: str
    own: Mapping[str, Any]
    settings: Mapping[str, Any]
    locality: str
    published: tuple[float, str] | None

    def config(self, seed: int, training: Mapping[str, Any]) -> RunConfig:
        """Settings of one run.

        Raises:
            ConfigError: the entry's settings are wrong; the message begins with its label.
        """
        settings = merge(self.settings, {"name": self.label, "seed": seed, "training": dict(training)})
        try:
            return validate(settings)
        except ConfigError as error:
            raise ConfigError(f"entries.{self.label}: {error}") from error


@dataclass(frozen=True, slots=True)
class Known:
    """A comparison as its file has it.

    Attributes:
        base: settings that all entries share.
        entries: by label.
    """

    base: Mapping[str, Any]
    entries: Mapping[str, Entry]

    def chosen(self, labels: Sequence[str] | None) -> list[Entry]:
        """Entries by label, in that order; all for None.

        Raises:
            ConfigError: no such entry.
        """
        for label in labels or ():
            if label not in self.entries:
                raise ConfigError(
                    f"compare.rules: expected names among {', '.join(self.entries)}, got {label!r}{nearest(label, list(self.entries))}"
                )
        return [self.entries[label] for label in (labels if labels is not None else self.entries)]


def known() -> list[str]:
    """Names of the comparisons that come with Apical."""
    return sorted(path.stem for path in SPECS.glob("*.yaml"))


def read(name_or_path: str, overrides: Sequence[str] = ()) -> Known:
    """A comparison.

    Args:
        name_or_path: one of `known()`, or the path of a YAML file.
        overrides: `a.b=c` texts for every entry.

    Raises:
        ConfigError: no such comparison, or a file of another form.
    """
    path = SPECS / f"{name_or_path}.yaml" if name_or_path in known() else Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"compare.data: expected one of {', '.join(known())} or a YAML file, got {name_or_path!r}"
            + nearest(name_or_path, known())
        )
    whole = _form(path)
    base = _base(whole.base, path)
    return Known(base, _entries(whole, base, path, overrides))


def load(name_or_path: str, labels: Sequence[str] | None = None, overrides: Sequence[str] = ()) -> list[Entry]:
    """Entries of a comparison.

    Args:
        name_or_path: as in `read`.
        labels: entries to keep, in this order; None for all.
        overrides: as in `read`.

    Raises:
        ConfigError: no such comparison or entry, or a file of another form.
    """
    return read(name_or_path, overrides).chosen(labels)


def added(comparison: Known, words: Sequence[str], overrides: Sequence[str] = ()) -> list[Entry]:
    """Entries that are run alone: of the comparison, or of one's own beside its others.

    Args:
        comparison: whose base they share.
        words: labels, rules by their names or references, and YAML files with entries.
        overrides: `a.b=c` texts for every entry.

    Raises:
        ConfigError: a file of another form, one with a base, or a label that the comparison has with other settings.
    """
    found: dict[str, Entry] = {}
    for word in words:
        path = Path(word)
        if word in comparison.entries:
            entries: Mapping[str, Entry] = {word: comparison.entries[word]}
        elif path.suffix in YAML_SUFFIXES and path.is_file():
            whole = _form(path)
            if whole.base:
                raise ConfigError(
                    f"{path}: expected entries alone, got a base as well; the base is that of the comparison: remove it"
                )
            entries = _entries(whole, comparison.base, path, overrides)
        else:
            label = word.rpartition(":")[2]
            told = {"settings": {"rule": {"name": placed(word, Path.cwd())}}}
            entries = {label: _entry(label, told, comparison.base, overrides, Path("--only"))}
        for label, entry in entries.items():
            if label in found or (label in comparison.entries and entry is not comparison.entries[label]):
                raise ConfigError(
                    f"--only: expected names that no other entry has, got {label!r} twice; rename one in a file of entries"
                )
            found[label] = entry
    return list(found.values())


def _form(path: Path) -> Comparison:
    document = parse_file(path)
    if not isinstance(document, dict) or not document.get("entries"):
        raise ConfigError(f"{path}: expected a mapping with base and entries, got another form; see a known comparison")
    return validated(Comparison, document, f"{path}: ", SEE)


def _entries(whole: Comparison, base: Mapping[str, Any], path: Path, overrides: Sequence[str]) -> dict[str, Entry]:
    return {str(label): _entry(str(label), entry, base, overrides, path) for label, entry in whole.entries.items()}


def _base(base: Mapping[Any, Any], path: Path) -> dict[str, Any]:
    settings = dict(base)
    merged = read_all(settings.pop("extends", []), f"{path}: base.extends")
    return merge(merged, settings)


def _entry(label: str, entry: Any, base: Mapping[str, Any], overrides: Sequence[str], path: Path) -> Entry:
    if not isinstance(entry, dict):
        known = ", ".join(Row.model_fields)
        raise ConfigError(f"{path}: entries.{label}: expected a mapping with {known}, got {type(entry).__name__}")
    row = validated(Row, entry, f"{path}: entries.{label}.", SEE)
    own = dict(row.settings)
    if "extends" in own:
        own = merge(read_all(own.pop("extends"), f"{path}: entries.{label}.settings.extends"), own)
    whole = {key: value for key, value in base.items() if key not in own or key != "rule"}
    return Entry(
        label,
        own,
        override(merge(whole, own), overrides),
        row.locality,
        None if row.published is None else (row.published.accuracy, row.published.source),
    )
