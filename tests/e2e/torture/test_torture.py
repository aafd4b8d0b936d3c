"""The short torture: all times ten times shorter. ``make torture`` runs it as shipped."""

from pathlib import Path

import pytest

from skua_adapters.embedded_postgres import EmbeddedPostgresError
from skua_core.faults import POINTS
from tests.e2e.torture.run import Torture
from tests.e2e.torture.scale import SHORT
from tests.postgres_cluster import bin_dir_of_tests, skip_or_fail

pytestmark = [pytest.mark.external, pytest.mark.timeout(500)]


async def test_every_promise_is_kept_whatever_happens(
    tmp_path: Path, place: Path, seed: int
) -> None:
    torture = Torture(
        seed,
        SHORT,
        directory=tmp_path,
        database_directory=place / "database",
        bin_dir=bin_dir_of_tests(),
        tell=print,
    )
    try:
        verdict = await torture.run()
    except EmbeddedPostgresError as error:
        skip_or_fail(error)

    assert not verdict.violations, str(verdict)
    assert verdict.kills >= 30
    assert set(verdict.deaths) >= POINTS
    assert verdict.hit >= 3, "too few kills hit rows in flight"
    assert set(verdict.troubles) >= {each.act.value for each in torture.plan.disturbances}
    print(verdict)  # noqa: T201 - pytest shows it with -s
