"""Pages of words: commands, settings, presets, and what every table offers."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click


def cell(text: object) -> str:
    r"""Text in a cell of a table.

    >>> cell("a|b\nc")
    'a\\|b c'
    """
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: object) -> str:
    """Code in a cell of a table."""
    return f"`{cell(text)}`" if str(text) else ""


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table in Markdown."""
    heads = list(heads)
    return [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows), ""]


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, f"{path} {name}")
    else:
        yield path, command


def _option(context: click.Context, option: click.Parameter) -> tuple[str, str]:
    record = option.get_help_record(context)
    return record if record else ("", "")


def _command(path: str, command: click.Command) -> list[str]:
    from apical.protocols.command.examples import EXAMPLES

    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"### {path}", "", "```text", f"{path} {usage}", "```", ""]
    lines += [inspect.cleandoc(command.help or "").replace("*", "\\*").replace("_", "\\_"), ""]
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    lines += table(
        ("option", "what it is"), ((code(o), _plain(s)) for o, s in (_option(context, p) for p in options) if o)
    )
    if example := EXAMPLES.get(path):
        lines += ["```bash", example, "```", ""]
    if command.epilog:
        lines += ["```text", *(line for line in str(command.epilog).replace("\b", "").splitlines()), "```", ""]
    return lines


def _plain(text: str) -> str:
    return cell(text).replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;").replace("[", "\\[")


def commands() -> str:
    """Every command, its options, an example."""
    from apical.protocols.command.examples import SECTIONS
    from apical.protocols.command.main import main

    lines = [
        "# Command line", "",
        "Results go to stdout, progress to stderr; `--json` prints one object as the last line. Exit codes: 0, 1 failure, 2 misuse, 130 interrupted. Every "
        "command is a function of the same name in Python ([`apical`](api-apical.md)).", "",
    ]  # fmt: skip
    for title, names in SECTIONS.items():
        lines += [f"## {title}", ""]
        for name in names:
            for path, command in _commands(main.commands[name], f"apical {name}"):
                lines += _command(path, command)
    return "\n".join(lines)


def settings() -> str:
    """Every setting, with type, bounds, default."""
    from apical.protocols.settings.load import schema

    told = schema()
    lines = [
        "# Settings", "",
        "A run is one YAML file of these settings; what is left out has its default, `extends: PRESET` begins with another file, and `--set a.b=value` changes "
        "one. `apical config show PRESET` prints all of a run, `apical config schema` this page as JSON schema.", "",
    ]  # fmt: skip
    plain = {name: s for name, s in told["properties"].items() if not _group(told, s)}
    lines += ["## The run itself", "", *_settings(told, plain, "")]
    for name, s in told["properties"].items():
        if group := _group(told, s):
            lines += [
                f"## {name}",
                "",
                cell(group.get("description", "")),
                "",
                *_settings(told, group["properties"], f"{name}."),
            ]
    return "\n".join(lines)


def _group(told: Mapping[str, Any], s: Mapping[str, Any]) -> dict[str, Any] | None:
    found = told.get("$defs", {}).get(s.get("$ref", "").rpartition("/")[2])
    return found if found and "properties" in found else None


def _settings(told: Mapping[str, Any], properties: Mapping[str, Any], path: str) -> list[str]:
    rows = (
        (code(path + name), _plain(_type(told, s)), code(_default(s)), _plain(s.get("description", "")))
        for name, s in properties.items()
    )
    return table(("setting", "values", "default", "what it is"), rows)


def _default(s: Mapping[str, Any]) -> str:
    value = s.get("default")
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _type(told: Mapping[str, Any], s: Mapping[str, Any]) -> str:
    if "$ref" in s:
        return _type(told, told["$defs"][s["$ref"].rpartition("/")[2]])
    if "anyOf" in s:
        return " or ".join(dict.fromkeys(_type(told, each) for each in s["anyOf"]))
    if "enum" in s:
        return ", ".join(map(str, s["enum"]))
    if s.get("type") == "array":
        inner = s.get("items") or {}
        return f"list of {_type(told, inner)}" if inner else "list"
    kind = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "true or false",
        "null": "null",
        "object": "mapping",
    }.get(s.get("type", ""), "any")
    words = (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"), ("exclusiveMaximum", "below"))
    return " ".join([kind, *(f"{word} {_number(s[key])}" for key, word in words if key in s)])


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e10 else f"{value:g}"


def presets() -> str:
    """Every preset, by data set, with the comment that opens its file."""
    from importlib.resources import files

    from apical.protocols.settings.load import load
    from apical.protocols.settings.names import presets_by_stimulus

    folder = files("apical.protocols") / "settings" / "presets"
    lines = [
        "# Presets",
        "",
        "`apical config show NAME` prints every setting of one; `apical train NAME` trains it.",
        "",
    ]
    for group, names in presets_by_stimulus().items():
        rows = []
        for name in names:
            text = (folder / f"{name}.yaml").read_text().splitlines()
            said = " ".join(
                line.lstrip("# ")
                for line in text[: next(i for i, line in enumerate([*text, ""]) if not line.startswith("#"))]
            )
            s = load(name)
            rows.append((code(name), code(s.rule.name), code(s.network.builder), _plain(said)))
        lines += [f"## {group}", "", *table(("preset", "rule", "network", "what its file says"), rows)]
    return "\n".join(lines)


def words() -> str:
    """What every table offers, from the tables."""
    from word_tables import tables

    lines = [
        "# Words and tables", "",
        "Wherever a setting or an option takes a word, these are the words. They are rows of one table each, which settings, command line and Python share.", "",
    ]  # fmt: skip
    for title, said, heads, rows in tables():
        lines += [f"## {title}", "", said, "", *table(heads, rows)]
    return "\n".join(lines)


def lesions() -> str:
    """The vocabulary of protocols, and the protocols that come with Apical."""
    from apical.protocols.lesion.events import EVENTS
    from apical.protocols.lesion.protocol import overview
    from apical.protocols.lesion.quantities import MEASURES

    lines = [
        "# Protocol vocabulary",
        "",
        "What a file for `apical lesion` may say ([its layout](../protocols.md)).",
        "",
        "## Events",
        "",
    ]
    for word, event in EVENTS.items():
        doc = " ".join((event.__doc__ or "").split("\n\n")[0].split())
        lines += [
            f"### {word}",
            "",
            _plain(doc),
            "",
            f"At stage {', '.join(event.where)}." + (f" A bare value is its `{event.plain}`." if event.plain else ""),
            "",
        ]
        told = event.model_json_schema()
        if told.get("properties"):
            lines += _settings(told, told["properties"], "")
    lines += [
        "## Measures",
        "",
        "With `_lower` and `_top` behind it, a measure of every population is the mean below the top, and the top's.",
        "",
    ]
    lines += table(
        ("measure", "what it is", "units", "stage", "of every population", "needs objects"),
        (
            (code(n), _plain(m.label), _plain(m.units), m.stage, "yes" if m.per_population else "", m.stimuli)
            for n, m in MEASURES.items()
        ),
    )
    lines += [
        "## Protocols that come with Apical",
        "",
        *table(
            ("protocol", "stage", "what it is"), ((code(p["name"]), p["stage"], _plain(p["title"])) for p in overview())
        ),
    ]
    return "\n".join(lines)
