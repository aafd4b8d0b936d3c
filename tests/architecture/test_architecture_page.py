"""docs/architecture.md names every port and every table that row security doesn't guard."""

import re
from typing import get_type_hints

import pytest

from skua_adapters._sql.tables import PlatformBase
from skua_core.ports.account_storage import AccountUnit
from skua_core.ports.tenant_storage import TenantUnit
from tests.architecture.project import ROOT
from tests.architecture.test_ports import UNIT_PARTS, port_modules, protocols

PAGE = (ROOT / "docs" / "architecture.md").read_text()
NAME = re.compile(r"`(\w+)`")
# They hang off a unit, and units off their storage.
PARTS = {AccountUnit, TenantUnit, *UNIT_PARTS, *get_type_hints(AccountUnit).values()}


def first_cells(page: str, heading: str) -> set[str]:
    """What the first column of the table under a heading names."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return {name for cell in rows for name in NAME.findall(cell)}


def doors() -> set[str]:
    """Ports that are handed to whoever needs them."""
    return {
        port.__name__
        for module in port_modules()
        for port in protocols(module)
        if port not in PARTS
    }


def test_every_port_is_named() -> None:
    assert doors() <= first_cells(PAGE, "Ports")


def test_nothing_is_named_as_a_port_that_is_none() -> None:
    known = {port.__name__ for module in port_modules() for port in protocols(module)}

    assert first_cells(PAGE, "Ports") <= known


def test_every_table_without_row_security_has_its_reason_and_no_other_is_named() -> None:
    tables = {table.name for table in PlatformBase.metadata.tables.values()}

    assert first_cells(PAGE, "Tenancy: two locks") == tables


@pytest.mark.parametrize(("heading", "row"), [("Ports", "Mailer"), ("Tenancy: two locks", "mails")])
def test_a_row_that_is_missing_would_show(heading: str, row: str) -> None:
    without = "\n".join(line for line in PAGE.splitlines() if not line.startswith(f"| `{row}`"))

    assert first_cells(PAGE, heading) - first_cells(without, heading) == {row}
