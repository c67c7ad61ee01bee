"""Brian2, imported when it is needed, and its global state, put back afterwards: target, device, random numbers."""

import gc
import importlib
import importlib.util
import logging
import os
import shlex
import shutil
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ModelError
from .neuron import unknown

TARGETS = ("numpy", "cython", "cpp_standalone")


def load_brian() -> Any:
    """The module `brian2`.

    Raises:
        ModelError: it is not installed, or does not import.
    """
    try:
        with quiet():
            brian2: Any = importlib.import_module("brian2")
    except Exception as error:
        raise ModelError(
            f"replay.brian2: expected an installed brian2, got {type(error).__name__}: {error}; pip install 'brian2==2.9.0' 'numpy<2.4'"
        ) from error
    brian2.BrianLogger.suppress_name("resolution_conflict")
    return brian2


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the deprecations of others that Brian2 itself runs into; they can be mended there alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"(brian2|pyparsing)(\.|$)")
        warnings.filterwarnings(
            "ignore", category=DeprecationWarning, module=r"(setuptools|Cython|pkg_resources)(\.|$)"
        )
        yield


def check_target(target: str) -> None:
    """Refuse an unknown target, and a compiled one on a machine without compiler.

    Raises:
        ModelError: as said.
    """
    if target not in TARGETS:
        raise unknown("replay.target", target, TARGETS)
    if target == "numpy":
        return
    missing = [tool for tool in _tools(target) if shutil.which(tool) is None]
    if target == "cython" and importlib.util.find_spec("Cython") is None:
        missing.append("the package Cython")
    if missing:
        raise ModelError(
            f"replay.target: expected a C++ compiler for {target}, got none ({', '.join(missing)} not found); "
            "install one or use target='numpy', which needs none"
        )


def _tools(target: str) -> list[str]:
    command = os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "g++"
    compiler = shlex.split(command)[:1]
    return [*compiler, "make"] if target == "cpp_standalone" else compiler


@contextmanager
def session(target: str) -> Iterator[tuple[Any, str]]:
    """Brian2 set to a target; gives the module and the folder of generated code (empty unless standalone).

    Target, device and numpy's global random state are put back at the end.
    """
    check_target(target)
    b2 = load_brian()
    log = logging.getLogger("brian2")
    before, state, verbosity = b2.prefs.codegen.target, np.random.get_state(), log.level
    log.setLevel(logging.WARNING)  # it writes the code of every object into a log file otherwise
    standalone = target == "cpp_standalone"
    with tempfile.TemporaryDirectory(prefix="apical-replay-", ignore_cleanup_errors=True) as folder, quiet():
        try:
            if standalone:
                b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
            else:
                b2.prefs.codegen.target = target
            yield b2, folder if standalone else ""
        finally:
            if standalone:
                b2.get_device().reinit()
                # by its full name: `brian2.devices.device` is the current device, not the module
                importlib.import_module("brian2.devices.device").reset_device()
            b2.prefs.codegen.target = before
            np.random.set_state(state)
            log.setLevel(verbosity)


@contextmanager
def unburdened() -> Iterator[None]:
    """Keep what exists now out of garbage collection: Brian2 collects before every run, and the caller's network is large.

    Around all chunks of a replay, so that each still collects what the one before has left.
    """
    ours = gc.get_freeze_count() == 0
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()
