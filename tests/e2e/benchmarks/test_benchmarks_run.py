"""The benchmarks still run and find what they look for; how fast is nobody's business here."""

import pytest

from benchmarks import bench_freeze, bench_lanes, bench_pace, bench_reply, bench_scale, bench_send
from skua_adapters.embedded_postgres import EmbeddedPostgresError
from tests.postgres_cluster import skip_or_fail

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]


def test_sending_is_measured_against_a_bare_loop(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_send.main(["--recipients=200", "--runs=1", "--no-nginx"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert "skua against aiogram: " in told
    assert "skua, snapshot held against skua: " in told
    assert "not recorded as sent: 0" in told


def test_freezing_is_measured_against_a_bare_insert(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_freeze.main(["--subscribers=500", "--runs=1"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert "times as long as bare, both keys" in told


def test_the_pace_is_measured_without_a_single_429(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_pace.main(["--seconds=1", "--paid-seconds=0.2"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    rows = [
        line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "/s |" in line
    ]
    told = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}

    messages, throttled = 0, 3
    assert told["free, 30/s"][messages] == "30"
    assert told["paid, 1000/s"][messages] == "200"
    assert told["free, 30/s"][throttled] == told["paid, 1000/s"][throttled] == "0"


def test_many_lanes_are_measured_against_a_bare_loop(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_lanes.main(
            ["--lanes=3", "--flat=1,3", "--messages=60", "--runs=1", "--no-nginx"],
        )
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert "skua, 3 lanes against aiogram: " in told
    assert "skua, 3 lanes against skua, 1 lanes: " in told
    assert "not recorded as sent: 0" in told


def test_sizes_of_audiences_are_measured_against_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        bench_scale.main(["--sizes=20,60", "--no-nginx"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert "60 against 20: CPU " in told
    assert "not recorded as sent: 0" in told


def test_replies_are_timed_at_each_pace(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_reply.main(["--replies=2", "--no-nginx"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert all(f"| {pace} | " in told for pace in ("paid, 1000/s", "  free, 30/s", "        none"))
