"""House rules that no linter knows."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plasticity", "models", "protocols", "recordings")
CODE = [path for folder in (*ROOMS, "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
PROSE = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MOST_LINES = 350

# files whose stdout is read by another process of ours
SPEAKS_TO_A_PROCESS = {Path("protocols/bench/contest.py")}

AMERICAN = re.compile(
    r"(?<![.\w])(behaviors?|colors?|colored|grays?|grayscale|optimizers?|optimize[ds]?|normalize[ds]?|initialize[ds]?"
    r"|centers?|centered|favor|neighbors?|visualize[ds]?|standardize[ds]?|analyze[ds]?|summarize[ds]?|labeled|unlabeled"
    r"|modeling|serialize[ds]?)(?![\w(=])"
)


def names(paths: list[Path]) -> dict[str, list[object]]:
    return {"argvalues": paths, "ids": [str(path.relative_to(ROOT)) for path in paths]}


@pytest.mark.parametrize("path", **names(CODE))
def test_file_is_short(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def silent_breaches(path: Path, text: str) -> list[int]:
    """Lines with a print to stdout, where results of commands go and nothing else."""
    if path in SPEAKS_TO_A_PROCESS:
        return []
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    aloud = path.parts[0] == "protocols"
    return [call.lineno for call in prints if not (aloud and any(keyword.arg == "file" for keyword in call.keywords))]


@pytest.mark.parametrize("path", **names([path for path in CODE if "tests" not in path.relative_to(ROOT).parts]))
def test_nothing_is_printed_aside(path):
    """Rooms below protocols print nothing; protocols print progress to stderr."""
    assert silent_breaches(path.relative_to(ROOT), path.read_text()) == []


def test_print_is_seen():
    assert silent_breaches(Path("models/a.py"), "x = 1\nprint(x)") == [2]
    assert silent_breaches(Path("models/a.py"), "print(1, file=f)") == [1]
    assert silent_breaches(Path("protocols/a.py"), "print(1)\nprint(1, file=f)") == [1]


def prose_of(text: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings of a file, line by line, without what stands in backticks; none where such a word stands nowhere, which is seen sooner."""
    if not AMERICAN.search(text):
        return
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = ast.get_docstring(node, clean=False)
            start = node.body[0].lineno if node.body else 1
            lines += [(start + i, line) for i, line in enumerate((first or "").splitlines())]
    yield from ((number, re.sub(r"`+[^`]*`+", "", line)) for number, line in lines)


def american(lines: Iterator[tuple[int, str]]) -> list[str]:
    # capitals are left out: titles of works keep their spelling
    return [f"line {number}: {word}" for number, line in lines for word in AMERICAN.findall(line)]


@pytest.mark.parametrize("path", **names([path for path in CODE if path != Path(__file__).resolve()]))
def test_comments_are_spelt_the_british_way(path):
    assert american(prose_of(path.read_text())) == []


@pytest.mark.parametrize("path", **names(PROSE))
def test_documents_are_spelt_the_british_way(path):
    text = re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), path.read_text(), flags=re.DOTALL)
    lines = ((number, re.sub(r"`[^`]*`|\(http[^)]*\)", "", line)) for number, line in enumerate(text.splitlines(), 1))
    assert american(lines) == []


def test_american_word_is_seen():
    text = '"""The behavior of `color`, by Color Universal Design."""\nx = torch.optim.Optimizer  # optimizer\n'
    assert american(prose_of(text)) == ["line 2: optimizer", "line 1: behavior"]
