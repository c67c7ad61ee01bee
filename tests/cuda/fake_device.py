"""Builds and loads a CUDA device that computes nothing, see `fake_device.cpp`."""

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".cpp")
BEFORE = ("libgomp.so.1", "libc10.so", "libtorch_cpu.so")


def torch_folder() -> Path:
    """Where PyTorch lies, without importing it."""
    found = importlib.util.find_spec("torch")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def built_with_cuda() -> bool:
    """Whether PyTorch brings the interfaces itself: then nothing is built, and FakeTensorMode needs no GPU either."""
    return (torch_folder() / "lib" / "libtorch_cuda.so").exists()


def build(folder: Path) -> Path | str:
    """The library for this PyTorch, built once; a sentence where it cannot be.

    Args:
        folder: where it is kept.
    """
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    include = torch_folder() / "include"
    if compiler is None:
        return "no C++ compiler here: install g++ or clang++, or set CXX"
    if not include.is_dir():
        return f"PyTorch's headers are not in {include}"
    version = (torch_folder() / "version.py").read_bytes()
    library = folder / f"fake-device-{hashlib.sha256(SOURCE.read_bytes() + version).hexdigest()[:16]}.so"
    if library.exists():
        return library
    unfinished = library.with_suffix(
        f".{os.getpid()}"
    )  # workers side by side build it once each, and each takes a whole one
    told = subprocess.run(
        [compiler, "-shared", "-fPIC", "-std=c++20", "-O0", "-w", f"-I{include}", str(SOURCE), "-o", str(unfinished)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        return f"{compiler} could not build {SOURCE.name}: {told.stderr.strip()[-800:]}"
    unfinished.rename(library)
    return library


def load(library: str) -> None:
    """Put the device in its place; PyTorch must not have been imported yet."""
    for name in BEFORE:
        path = torch_folder() / "lib" / name
        if path.exists():
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    ctypes.CDLL(library)
