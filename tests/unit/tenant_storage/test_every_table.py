"""What has to be done for each table of a bot."""

import re

from skua_adapters._sql.tables import TenantBase
from skua_adapters.tenant_storage.postgres.bots import _TENANT_ROWS
from tests.contract.tenancy import world


def test_removing_a_bot_empties_every_table() -> None:
    assert set(_TENANT_ROWS) == {mapper.class_ for mapper in TenantBase.registry.mappers}


def test_both_bots_of_the_tenancy_suite_have_a_row_in_every_table() -> None:
    inserted = re.findall(r"INSERT INTO tenant\.(\w+)", world._ROWS)

    assert sorted(inserted) == sorted(world.TABLES)
