"""The core installs and imports with msgspec alone, from the wheel that users get."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.architecture.project import ROOT

PACKAGES = ("skua_core", "skua_adapters", "skua_http", "skua_worker", "skua_app")
IMPORT_ALL = """
import importlib, pkgutil, sys
import skua_core
names = [found.name for found in pkgutil.walk_packages(skua_core.__path__, "skua_core.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@dataclass(frozen=True)
class BareEnvironment:
    """A Python that has the wheel, msgspec and nothing else."""

    python: Path
    wheel: Path

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return _run(str(self.python), "-I", "-W", "error", "-c", code)


@pytest.fixture(scope="module")
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


def test_every_module_of_the_core_imports_with_msgspec_alone(bare: BareEnvironment) -> None:
    done = bare.run(IMPORT_ALL)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(list((ROOT / "src/skua_core").rglob("*.py"))) - 1


def test_the_bare_environment_would_notice_another_import(bare: BareEnvironment) -> None:
    done = bare.run("import sqlalchemy")

    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_the_wheel_holds_the_five_packages_and_all_that_they_need(bare: BareEnvironment) -> None:
    names = zipfile.ZipFile(bare.wheel).namelist()
    shipped = {name for name in names if name.startswith("skua_")}
    source = ROOT / "src"
    present = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert shipped == present
    assert all(f"{package}/py.typed" in shipped for package in PACKAGES)
