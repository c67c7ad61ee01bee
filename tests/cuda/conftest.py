import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def asked(pytestconfig: pytest.Config) -> Iterator[Callable[..., dict[str, Any]]]:
    """Asks for a scenario on a CUDA device that computes nothing: what it needs, or the error that it ended in."""
    from fake_device import build, built_with_cuda

    told = [] if built_with_cuda() else [build(pytestconfig.cache.mkdir("fake-cuda"))]
    if told and isinstance(told[0], str):
        pytest.skip(told[0])
    command = [sys.executable, "-W", "ignore", str(HERE / "scenarios.py"), *map(str, told)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None

        def answer() -> dict[str, Any]:
            for line in process.stdout:  # type: ignore[union-attr]
                if line.startswith("{"):
                    return dict(json.loads(line))
            raise AssertionError(f"the device's process ended with exit code {process.wait()}")

        def ask(scenario: str, **given: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps({"scenario": scenario, "given": given}) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return answer()

        assert "ready" in answer()
        yield ask
        process.stdin.close()


@pytest.fixture
def done(asked: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A scenario that is expected to end well."""

    def ask(scenario: str, **given: Any) -> dict[str, Any]:
        found = asked(scenario, **given)
        assert "error" not in found, "\n".join([found["error"], found["message"], *found["traceback"]])
        return found

    return ask
