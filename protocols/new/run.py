"""Write a small package of one's own: one file, its entry point, how to run it, and its test."""

import keyword
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from ...recordings.atomic import write_text
from ..errors import ConfigError

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is written.

    Attributes:
        group: of its entry point.
        command: that uses it.
        own: words of Apical's own, which would hide it.
        files: templates beyond those of every package, by the name of the file that each becomes.
        is_class: whether its object is named as classes are.
    """

    group: str
    command: str
    own: Callable[[], Mapping[str, Any]]
    files: tuple[str, ...] = ()
    is_class: bool = False


def _rules() -> Mapping[str, Any]:
    from ..settings.foreign import rules

    return rules()


def _builders() -> Mapping[str, Any]:
    from ...models.networks.table import BUILDERS

    return BUILDERS


def _measures() -> Mapping[str, Any]:
    from ..lesion.quantities import MEASURES

    return MEASURES


def _datasets() -> Mapping[str, Any]:
    from ..stimuli.datasets.table import DATASETS

    return DATASETS


KINDS: dict[str, Kind] = {
    "rule": Kind("apical.rules", "apical train demo --set rule.name=$name --set rule.context=lateral", _rules, is_class=True),
    "builder": Kind("apical.builders", "apical train demo --set network.builder=$name --set rule.grids=[4,2]", _builders),
    "protocol": Kind("apical.measures", "apical lesion RUN --protocol $folder/$module.yaml", _measures, files=("yaml",)),
    "dataset": Kind("apical.datasets", "apical train demo --data $name", _datasets),
}  # fmt: skip


def new(kind: str, name: str, out: Path = Path()) -> dict[str, Any]:
    """Write a package.

    Args:
        kind: `rule`, `builder`, `protocol` or `dataset`.
        name: of the package and of the word that will choose it.
        out: folder in which its folder is made.

    Returns:
        JSON-ready dict: kind, name, folder, files, next (three commands).

    Raises:
        ConfigError: a kind that there is not, a name that cannot be one or is taken, or a folder that exists.
    """
    if kind not in KINDS:
        raise ConfigError(f"new.kind: expected one of {', '.join(KINDS)}, got {kind!r}; choose one")
    row, folder = KINDS[kind], out / name
    module = name.replace("-", "_")
    if not NAME.fullmatch(name) or keyword.iskeyword(module):
        raise ConfigError(
            f"new.name: expected small letters, digits, - and _, beginning with a letter, and no word of Python, got {name!r}; for example my-{kind}"
        )
    if name in [*row.own()]:
        raise ConfigError(
            f"new.name: expected a word that Apical has not, got {name!r}, which would be hidden; for example my-{name}"
        )
    if module in sys.stdlib_module_names or find_spec(module) is not None:
        raise ConfigError(
            f"new.name: expected a name that no module has, got {name!r}, which is one; for example my-{name}"
        )
    if folder.exists():
        raise ConfigError(f"{folder}: expected no such folder, got one; choose another name or --out")
    words = {
        "kind": kind, "name": name, "module": module, "distribution": name.replace("_", "-"), "folder": str(folder), "group": row.group,
        "object": module.title().replace("_", "") if row.is_class else module,
        "title": module.replace("_", " ").capitalize(),
    }  # fmt: skip
    words["command"] = Template(row.command).substitute(words)
    texts = {"pyproject.toml": "pyproject.toml.txt", "README.md": "README.md.txt", f"{module}.py": f"{kind}.py.txt"}
    texts |= {f"{module}.{suffix}": f"{kind}.{suffix}.txt" for suffix in row.files}
    texts[f"test_{module}.py"] = f"test_{kind}.py.txt"
    made = {file: Template((TEMPLATES / text).read_text("utf-8")).substitute(words) for file, text in texts.items()}
    folder.mkdir(parents=True)
    for file, text in made.items():
        write_text(folder / file, text)
    steps = [f"pip install -e {folder}", f"pytest {folder}", words["command"]]
    return {"kind": kind, "name": name, "folder": str(folder), "files": list(made), "next": steps}
