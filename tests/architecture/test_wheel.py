"""The core installs and imports with msgspec alone, from the wheel that users get."""

import zipfile

from tests.architecture.bare_environment import BareEnvironment
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
