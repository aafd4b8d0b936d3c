"""A port has a specification, a double that ships, a real adapter, and one suite that holds both.

Nothing is listed here but exceptions: what exists is found by looking at the classes.
"""

import ast
import importlib
import inspect
import pkgutil
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol, get_type_hints

import pytest
from typing_extensions import is_protocol

import skua_adapters
import skua_core.ports
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from tests.architecture.project import ROOT

FEWEST_METHODS, MOST_METHODS = 2, 6
CONTRACT_SUITES = ROOT / "tests" / "contract"
# A module or package named so holds what serves in process; every other one is real.
DOUBLES = {"fake", "in_memory", "in_process", "frozen", "counted", "recording"}

NOT_ADAPTERS = (
    ".migrations",  # scripts that only Alembic can load
    ".telegram_simulator",  # the other party: it answers, and is called what Telegram calls it
    ".__main__",
)
HAS_NO_SUITE_OF_ITS_OWN = {
    "repositories": "they hang off a TenantStorage's unit, whose suite holds them",
}
OTHER_NUMBER_OF_METHODS = {
    "TenantUnit": "a container of repositories that can only be committed",
    "EmailAddresses": "one question, whatever is typed",
    "TurnGroups": "a short way past units for one thing alone",
    "LetterRenderer": "one question: what a letter looks like",
}
# What hangs off a unit is reached through the storage that made the unit, as is what it is made of.
UNIT_PARTS = {port for part in get_type_hints(TenantUnit).values() for port in part.__mro__}


def port_modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(skua_core.ports.__path__)]
    return [importlib.import_module(f"skua_core.ports.{name}") for name in names]


def protocols(module: ModuleType) -> list[type]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and is_protocol(value) and value.__module__ == module.__name__
    ]


def adapter_classes() -> list[type]:
    """Classes of skua_adapters, but for those of parties that keep no port of ours."""
    found: dict[type, None] = {}
    for name in adapter_module_names(skua_adapters):
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and value.__module__ == name:
                found[value] = None
    return list(found)


def adapter_module_names(package: ModuleType) -> Iterator[str]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.endswith(NOT_ADAPTERS):
            continue
        yield found.name
        if found.ispkg:
            yield from adapter_module_names(importlib.import_module(found.name))


def methods(port: type) -> dict[str, object]:
    return {
        name: value
        for name, value in vars(port).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def is_double(adapter: type) -> bool:
    return not DOUBLES.isdisjoint(adapter.__module__.split("."))


def is_whole(adapter: type) -> bool:
    """Not what several adapters have in common, nor a port."""
    return not inspect.isabstract(adapter)


def specification_faults(port: type, *, spec_of_module: str | None) -> Iterator[str]:
    count = len(methods(port))
    usual = FEWEST_METHODS <= count <= MOST_METHODS
    if usual == (port.__name__ in OTHER_NUMBER_OF_METHODS):
        yield f"{port.__name__} has {count} methods"
    if not (vars(port).get("__doc__") or spec_of_module):
        yield f"{port.__name__} has no docstring, which would be its specification"
    for name, method in methods(port).items():
        if not getattr(method, "__isabstractmethod__", False):
            yield f"{port.__name__}.{name} is not abstract, so an adapter may forget it"


def adapter_faults(port: type, adapters: Sequence[type]) -> Iterator[str]:
    own = [adapter for adapter in adapters if port in adapter.__mro__ and is_whole(adapter)]
    if not any(is_double(adapter) for adapter in own):
        yield f"{port.__name__} has no fake or in-memory adapter in skua_adapters"
    if not any(not is_double(adapter) for adapter in own):
        yield f"{port.__name__} has no real adapter in skua_adapters"
    for adapter in adapters:
        if port not in adapter.__mro__ and looks_like(adapter, port):
            yield f"{adapter.__module__}.{adapter.__name__} does not inherit {port.__name__}"


def looks_like(candidate: type, port: type) -> bool:
    """By its name, as the house names adapters, or by having every method with its parameters."""
    if candidate.__name__.endswith(port.__name__):
        # A LetterRenderer is called a renderer too.
        return not any(named_more_closely(other, port) for other in candidate.__mro__)
    wanted = methods(port)
    return len(wanted) >= FEWEST_METHODS and all(
        parameters(getattr(candidate, name, None)) == parameters(method)
        for name, method in wanted.items()
    )


def named_more_closely(other: type, port: type) -> bool:
    return is_protocol(other) and other is not port and other.__name__.endswith(port.__name__)


def parameters(method: object) -> list[str] | None:
    return list(inspect.signature(method).parameters) if inspect.isfunction(method) else None


def suite_faults(
    name: str, ports: Sequence[type], adapters: Sequence[type], suites: Path
) -> Iterator[str]:
    """The suite, with what it imports from the tests, has to build one adapter of each sort."""
    suite = suites / f"test_{name}.py"
    if not suite.exists():
        yield f"{name} has no contract suite {suite.name}"
        return
    mentioned = mentioned_names(suite, seen=set())
    doors = {*ports, *([TenantStorage] if UNIT_PARTS.issuperset(ports) else [])}
    held = [
        adapter
        for adapter in adapters
        if adapter.__name__ in mentioned
        and is_whole(adapter)
        and not doors.isdisjoint(adapter.__mro__)
    ]
    if not any(is_double(adapter) for adapter in held):
        yield f"{suite.name} does not run against a fake or in-memory adapter"
    if not any(not is_double(adapter) for adapter in held):
        yield f"{suite.name} does not run against a real adapter"


def mentioned_names(file: Path, *, seen: set[Path]) -> set[str]:
    seen.add(file)
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Name):
            names.add(node.id)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            base = ROOT / str(node.module).replace(".", "/")
            for candidate in (
                base.with_suffix(".py"),
                *(base / f"{a.name}.py" for a in node.names),
            ):
                if candidate.exists() and candidate not in seen:
                    names |= mentioned_names(candidate, seen=seen)
    return names


def modules_with_ports() -> list[ModuleType]:
    return [module for module in port_modules() if protocols(module)]


@pytest.mark.parametrize("module", modules_with_ports(), ids=lambda module: module.__name__)
def test_a_port_is_a_documented_protocol_of_two_to_six_methods(module: ModuleType) -> None:
    name = module.__name__.rpartition(".")[2]
    exempt = name in HAS_NO_SUITE_OF_ITS_OWN
    faults = [
        fault
        for port in protocols(module)
        for fault in specification_faults(port, spec_of_module=module.__doc__ if exempt else None)
    ]

    assert not faults, "\n".join(faults)
    assert exempt or (module.__doc__ or "").startswith("Port: ")


@pytest.mark.parametrize("module", modules_with_ports(), ids=lambda module: module.__name__)
def test_a_port_has_a_double_and_a_real_adapter_that_inherit_it(module: ModuleType) -> None:
    adapters = adapter_classes()
    faults = [fault for port in protocols(module) for fault in adapter_faults(port, adapters)]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("module", modules_with_ports(), ids=lambda module: module.__name__)
def test_a_port_has_a_contract_suite_over_both(module: ModuleType) -> None:
    name = module.__name__.rpartition(".")[2]
    if name in HAS_NO_SUITE_OF_ITS_OWN:
        return
    faults = list(suite_faults(name, protocols(module), adapter_classes(), CONTRACT_SUITES))

    assert not faults, "\n".join(faults)


class Postbox(Protocol):
    """A port made up to show that the checks can fail."""

    @abstractmethod
    async def put(self, letter: str) -> None: ...

    @abstractmethod
    async def empty(self) -> list[str]: ...


class PaperPostbox(Postbox):
    async def put(self, letter: str) -> None:
        raise NotImplementedError(letter)

    async def empty(self) -> list[str]:
        return []


class FakePostbox(PaperPostbox):
    __module__ = "skua_adapters.postbox.fake"


class ForgetfulPostbox:
    """Named like an adapter, without inheriting its port."""


class Bin:
    """Has every method of the port and says nothing of it."""

    async def put(self, letter: str) -> None:
        raise NotImplementedError(letter)

    async def empty(self) -> list[str]:
        return []


def test_a_whole_port_has_no_faults() -> None:
    assert not list(specification_faults(Postbox, spec_of_module=None))
    assert not list(adapter_faults(Postbox, [PaperPostbox, FakePostbox]))


def test_a_missing_adapter_of_either_sort_is_found() -> None:
    assert list(adapter_faults(Postbox, [FakePostbox])) == [
        "Postbox has no real adapter in skua_adapters"
    ]
    assert list(adapter_faults(Postbox, [PaperPostbox])) == [
        "Postbox has no fake or in-memory adapter in skua_adapters"
    ]


@pytest.mark.parametrize("stranger", [ForgetfulPostbox, Bin])
def test_an_adapter_that_does_not_inherit_its_port_is_found(stranger: type) -> None:
    faults = list(adapter_faults(Postbox, [PaperPostbox, FakePostbox, stranger]))

    assert len(faults) == 1
    assert faults[0].endswith("does not inherit Postbox")


def test_an_undocumented_oversized_or_concrete_port_is_found() -> None:
    class Swollen(Protocol):
        async def a(self) -> None: ...
        async def b(self) -> None: ...
        async def c(self) -> None: ...
        async def d(self) -> None: ...
        async def e(self) -> None: ...
        async def f(self) -> None: ...
        async def g(self) -> None: ...

    faults = list(specification_faults(Swollen, spec_of_module=None))

    assert faults[0] == "Swollen has 7 methods"
    assert "no docstring" in faults[1]
    assert "Swollen.a is not abstract" in faults[2]


def test_a_suite_that_leaves_an_adapter_out_is_found(tmp_path: Path) -> None:
    adapters = [PaperPostbox, FakePostbox]
    suite = tmp_path / "test_postbox.py"

    assert len(list(suite_faults("postbox", [Postbox], adapters, tmp_path))) == 1
    suite.write_text("box = FakePostbox()")
    assert list(suite_faults("postbox", [Postbox], adapters, tmp_path)) == [
        "test_postbox.py does not run against a real adapter"
    ]
    suite.write_text("boxes = [FakePostbox(), PaperPostbox()]")
    assert not list(suite_faults("postbox", [Postbox], adapters, tmp_path))
