"""Rules of the house that a reader of one file can't see broken, each shown able to fail."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.project import Module, dotted, source_modules

Rule = Callable[[Module], Iterator[str]]

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

MAY_READ_THE_MACHINE_CLOCK = {
    "skua_adapters/clock/": "it is the Clock port's real adapter",
    "skua_adapters/telegram_simulator/": "another party, with a clock of its own",
}
# Written-out SQL about tenant tables is refused at run time unless it names its bot as :bot.
MAY_WRITE_RAW_SQL = {
    "skua_adapters/_sql/": "the plumbing, where each statement is read for both tenancy locks",
    "skua_adapters/audit_trail/postgres.py": "calls functions of the audit schema, no table",
    "skua_adapters/lane_registry/postgres.py": "platform rows, and functions that return ids",
    "skua_adapters/tenant_storage/postgres/archive_statements.py": "counts a million rows at once",
    "skua_adapters/tenant_storage/postgres/delivery_statements.py": "a million rows at once",
    "skua_adapters/tenant_storage/postgres/claim_statements.py": "their order of locks is the SQL",
    "skua_adapters/tenant_storage/postgres/lane_statements.py": "their order of locks is the SQL",
    "skua_adapters/tenant_storage/postgres/proof_statements.py": "their order of locks is the SQL",
    "skua_adapters/tenant_storage/postgres/settle_statements.py": "their order of locks is the SQL",
    "skua_adapters/tenant_storage/postgres/subscriber_statements.py": "bulk loads without COPY",
    "skua_adapters/tenant_storage/postgres/turn_statements.py": "calls a function that enters bots",
}
WALL_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
WALL_CLOCKS |= {"time.time", "time.time_ns", "time.localtime", "time.gmtime"}
# Each of these reaches rows past the ORM's tenancy lock.
PAST_THE_ORM_LOCK = {"text", "literal_column", "from_statement", "exec_driver_sql", "connection"}
PAST_THE_ORM_LOCK |= {"bulk_insert_mappings", "bulk_update_mappings", "bulk_save_objects"}
LIVING_OBJECT = re.compile(
    r"(client|session|engine|pool|broker|container|sessionmaker|from_env|from_url)$", re.IGNORECASE
)
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")
SETTINGS_OBJECT = re.compile(r"settings$", re.IGNORECASE)


def nothing_living_at_module_level(module: Module) -> Iterator[str]:
    for statement in at_import_time(module.tree):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and LIVING_OBJECT.search(dotted(node.func)):
                    yield module.at(node, f"{dotted(node.func)}() is made at import time")
    for statement in module.tree.body:
        # In a class body it would be the default of a field, which is a value like any other.
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
            statement.value, ast.Call
        ):
            made = dotted(statement.value.func)
            if SETTINGS_OBJECT.search(made):
                yield module.at(statement, f"{made}() is made at import time")


def at_import_time(body: ast.AST) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, those of class bodies included."""
    for node in ast.iter_child_nodes(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.stmt):
            yield node
        yield from at_import_time(node)


def no_machine_clock(module: Module) -> Iterator[str]:
    if module.path.startswith(tuple(MAY_READ_THE_MACHINE_CLOCK)):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            last_two = ".".join(dotted(node).split(".")[-2:])
            if last_two in WALL_CLOCKS:
                yield module.at(node, f"{last_two}: ask the database or the Clock port")
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            for alias in node.names:
                if f"time.{alias.name}" in WALL_CLOCKS:
                    yield module.at(node, f"time.{alias.name}: ask the database or the Clock port")


def no_type_checking_imports(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node).endswith("TYPE_CHECKING"):
            yield module.at(node, "frameworks read annotations at run time: import it in earnest")
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield module.at(node, "annotations stay objects, for the frameworks that read them")


def small_modules_and_functions(module: Module) -> Iterator[str]:
    lines = module.text.count("\n")
    if lines > LONGEST_MODULE:
        yield f"src/{module.path}:1: {lines} lines; more than {LONGEST_MODULE} hide something"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield module.at(node, f"{node.name} has {length} lines, {LONGEST_FUNCTION} is much")


def raw_sql_only_where_reviewed(module: Module) -> Iterator[str]:
    if module.path.startswith(tuple(MAY_WRITE_RAW_SQL)):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            for alias in node.names:
                if alias.name in PAST_THE_ORM_LOCK:
                    yield module.at(node, f"{alias.name} passes the ORM lock by")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func.attr
            if called in PAST_THE_ORM_LOCK - {"text"} or dotted(node.func).endswith("sa.text"):
                yield module.at(node, f"{called}() passes the ORM lock by")


def no_possessive_groups(module: Module) -> Iterator[str]:
    """CPython before 3.11.5 matches them wrongly, and Debian 12 has 3.11.2."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func).startswith("re."):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and POSSESSIVE_GROUP.search(str(part.value)):
                    yield module.at(part, "a possessive group; of a character class it is safe")


RULES: list[Rule] = [
    nothing_living_at_module_level,
    no_machine_clock,
    no_type_checking_imports,
    small_modules_and_functions,
    raw_sql_only_where_reviewed,
    no_possessive_groups,
]
BAD_SAMPLES: list[tuple[Rule, str]] = [
    (nothing_living_at_module_level, "engine = create_async_engine('postgresql+asyncpg://')"),
    (nothing_living_at_module_level, "class Api:\n    http: object = httpx.AsyncClient()"),
    (nothing_living_at_module_level, "if True:\n    settings = Settings.from_env()"),
    (nothing_living_at_module_level, "SETTINGS = LaneSettings(heartbeat=4)"),
    (nothing_living_at_module_level, "CLIENTS = {'one': redis.Redis.from_url('redis://')}"),
    (no_machine_clock, "def f():\n    return datetime.now(UTC)"),
    (no_machine_clock, "import datetime\ndef f():\n    return datetime.datetime.utcnow()"),
    (no_machine_clock, "import time\nstarted = time.time()"),
    (no_machine_clock, "from time import time"),
    (no_machine_clock, "make = field(default_factory=datetime.now)"),
    (no_type_checking_imports, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass"),
    (no_type_checking_imports, "import typing\nif typing.TYPE_CHECKING:\n    pass"),
    (no_type_checking_imports, "from __future__ import annotations"),
    (small_modules_and_functions, "\n" * (LONGEST_MODULE + 1)),
    (small_modules_and_functions, "async def f():\n" + "    await g()\n" * LONGEST_FUNCTION),
    (no_possessive_groups, "SLOT = re.compile(r'(?:a|b)*+c')"),
    (no_possessive_groups, "found = re.search('(a{2}|b){1,3}+', 'aa')"),
    (raw_sql_only_where_reviewed, "from sqlalchemy import select, text"),
    (raw_sql_only_where_reviewed, "import sqlalchemy as sa\nrows = sa.text('SELECT 1')"),
    (raw_sql_only_where_reviewed, "async def f(s):\n    await s.connection()"),
    (raw_sql_only_where_reviewed, "def f(s):\n    s.bulk_update_mappings(Row, rows)"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_to(rule: Rule) -> None:
    violations = [line for module in source_modules() for line in rule(module)]

    assert not violations, "\n".join(violations)


@pytest.mark.parametrize(("rule", "bad"), BAD_SAMPLES)
def test_a_bad_sample_is_found_by(rule: Rule, bad: str) -> None:
    assert list(rule(Module.sample(bad)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_sample_passes(rule: Rule) -> None:
    good = "LIMIT = 30\n\ndef f(clock):\n    client = Client()\n    return clock.now(), client\n"

    assert not list(rule(Module.sample(good)))


@pytest.mark.parametrize(
    ("rule", "prefix"),
    [
        *((no_machine_clock, prefix) for prefix in MAY_READ_THE_MACHINE_CLOCK),
        *((raw_sql_only_where_reviewed, prefix) for prefix in MAY_WRITE_RAW_SQL),
    ],
)
def test_an_exception_goes_when_its_need_goes(rule: Rule, prefix: str) -> None:
    """A permission that outlives its reason lets the next breach in."""
    excepted = [module.text for module in source_modules() if module.path.startswith(prefix)]

    assert any(list(rule(Module.sample(text))) for text in excepted)
