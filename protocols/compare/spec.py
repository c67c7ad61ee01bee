"""What is compared: a YAML file with one `base` for all and one entry per rule.

base: settings that every entry shares; `extends` names a preset
entries:
  LABEL:
    settings: laid over the base; `rule` replaces the base's rule as a whole
    locality: what one update needs, in words
    published: {accuracy: 80.65, source: where it is printed}     optional
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import sources
from ..config import RunConfig, validate
from ..errors import ConfigError, nearest

SPECS = Path(__file__).parent / "specs"
KEYS = {"settings", "locality", "published"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the comparison.

    Attributes:
        label: its name.
        settings: resolved settings of its runs, seed and budget aside.
        locality: what one update of a synapse needs.
        published: top-1 accuracy in per cent printed for the full-size system, and where; None where there is none.
    """

    label: str
    settings: Mapping[str, Any]
    locality: str
    published: tuple[float, str] | None

    def config(self, seed: int, training: Mapping[str, Any]) -> RunConfig:
        """Settings of one run.

        Raises:
            ConfigError: the entry's settings are wrong; the message begins with its label.
        """
        settings = sources.merge(self.settings, {"name": self.label, "seed": seed, "training": dict(training)})
        try:
            return validate(settings)
        except ConfigError as error:
            raise ConfigError(f"entries.{self.label}: {error}") from error


def known() -> list[str]:
    """Names of the comparisons that come with Apical."""
    return sorted(path.stem for path in SPECS.glob("*.yaml"))


def load(name_or_path: str, labels: Sequence[str] | None = None, overrides: Sequence[str] = ()) -> list[Entry]:
    """Entries of a comparison.

    Args:
        name_or_path: one of `known()`, or the path of a YAML file.
        labels: entries to keep, in this order; None for all.
        overrides: `a.b=c` texts for every entry.

    Raises:
        ConfigError: no such comparison or entry, or a file of another form.
    """
    path = SPECS / f"{name_or_path}.yaml" if name_or_path in known() else Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"compare.data: expected one of {', '.join(known())} or a YAML file, got {name_or_path!r}"
            + nearest(name_or_path, known())
        )
    document = sources.parse(path.read_text(encoding="utf-8"), str(path))
    if not isinstance(document, dict) or not isinstance(document.get("entries"), dict) or not document["entries"]:
        raise ConfigError(f"{path}: expected a mapping with base and entries, got another form; see a known comparison")
    base = _base(document.get("base", {}), path)
    found = {label: _entry(str(label), entry, base, overrides) for label, entry in document["entries"].items()}
    for label in labels or ():
        if label not in found:
            raise ConfigError(
                f"compare.rules: expected names among {', '.join(found)}, got {label!r}{nearest(label, list(found))}"
            )
    return [found[label] for label in (labels if labels is not None else found)]


def _base(base: Any, path: Path) -> dict[str, Any]:
    if not isinstance(base, dict):
        raise ConfigError(f"{path}: expected base to be a mapping of settings, got {type(base).__name__}")
    settings = dict(base)
    parent = settings.pop("extends", None)
    return sources.merge(sources.read(parent) if parent else {}, settings)


def _entry(label: str, entry: Any, base: Mapping[str, Any], overrides: Sequence[str]) -> Entry:
    if not isinstance(entry, dict) or set(entry) - KEYS:
        odd = ", ".join(sorted(set(entry) - KEYS)) if isinstance(entry, dict) else type(entry).__name__
        raise ConfigError(f"entries.{label}: expected a mapping with {', '.join(sorted(KEYS))}, got {odd}")
    settings = entry.get("settings", {})
    whole = {key: value for key, value in base.items() if key not in settings or key != "rule"}
    published = entry.get("published")
    return Entry(
        label,
        sources.override(sources.merge(whole, settings), overrides),
        str(entry.get("locality", "not stated")),
        None if published is None else (float(published["accuracy"]), str(published["source"])),
    )
