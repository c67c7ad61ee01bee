"""What `make release` made is what it should be: `python tests/release.py dist`.

The source distribution holds every file of the repository; the wheel holds every declared package, and ships its types: a user's checker, in an
environment of its own, accepts a right script and refuses a wrong one.
"""

import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RIGHT = """\
import apical
from apical.plasticity import ClappPP
rule: apical.Rule = ClappPP(context="dfb")
run: apical.Run = apical.load("runs/demo-seed0")
accuracy: float = apical.probe(run, layers=["conv3"])["accuracy"]
"""
WRONG = RIGHT.replace('layers=["conv3"]', "layers=3")


def sdist_lacks(path: Path) -> list[str]:
    """Files that git tracks and the source distribution does not hold."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    return sorted(name for name in tracked if name and name not in held)


def wheel_lacks(path: Path) -> list[str]:
    """Packages without a file in the wheel, and rooms whose types it does not ship."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    names = set(zipfile.ZipFile(path).namelist())
    wanted = [f"{name.replace('.', '/')}/__init__.py" for name in packages]
    typed = [f"apical/{room}py.typed" for room in ("", "models/", "plasticity/", "protocols/", "recordings/")]
    return sorted(name for name in (*wanted, *typed) if name not in names)


def checked(wheel: Path) -> tuple[bool, str]:
    """Whether mypy, on the installed wheel, takes the right script and refuses the wrong one, and what it said."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        python = folder / "venv" / "bin" / "python"
        install = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel.resolve()),
        ]
        subprocess.run(install, check=True)
        site = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        )
        here = [entry for entry in sys.path if entry.endswith("site-packages")]
        # dependencies are those of this environment; of Apical itself only the wheel is seen
        (Path(site.stdout.strip()) / "dependencies.pth").write_text("\n".join(here) + "\n")
        said, codes = "", []
        for name, text in (("right.py", RIGHT), ("wrong.py", WRONG)):
            (folder / name).write_text(text)
            done = subprocess.run(
                [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "--follow-imports", "silent", name],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            codes.append(done.returncode)
            said += done.stdout
    return codes == [0, 1], said


def main() -> int:
    """Exit code: 0 when nothing lacks, else 1."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    problems = [f"{sdist.name} lacks {name}" for name in sdist_lacks(sdist)] + [
        f"{wheel.name} lacks {name}" for name in wheel_lacks(wheel)
    ]
    typed, said = checked(wheel)
    problems += [] if typed else [f"types of {wheel.name}: expected the right script alone to pass, got\n{said}"]
    sys.stdout.write("\n".join(problems or [f"{sdist.name}, {wheel.name}: whole, and typed"]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
