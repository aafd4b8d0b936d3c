"""A bare environment, for whatever has to work with msgspec alone."""

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.architecture.project import ROOT


@dataclass(frozen=True)
class BareEnvironment:
    """A Python that has the wheel, msgspec and nothing else."""

    python: Path
    wheel: Path

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return _run(str(self.python), "-I", "-W", "error", "-c", code)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> BareEnvironment:
    folder = tmp_path_factory.mktemp("wheel")
    build = _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    assert build.returncode == 0, build.stderr
    (wheel,) = folder.glob("*.whl")
    python = folder / "environment" / "bin" / "python"
    venv = _uv("venv", "--python", sys.executable, str(folder / "environment"))
    assert venv.returncode == 0, venv.stderr
    install = ["pip", "install", "--python", str(python), "--only-binary", ":all:"]
    install += [str(wheel), f"msgspec=={version('msgspec')}"]
    # Building .venv has left msgspec in uv's cache; the network is for when that was emptied.
    installed = _uv("--offline", *install)
    if installed.returncode != 0:
        installed = _uv(*install)
    assert installed.returncode == 0, installed.stderr
    return BareEnvironment(python, wheel)


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(str(Path(sys.executable).with_name("uv")), "--no-config", *arguments)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
