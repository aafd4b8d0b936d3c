"""``skua audit verify`` and ``skua status``."""

import msgspec

from skua_core.errors import QueueUnavailable
from tests.unit.cli.desk import Desk


def test_each_bots_chain_is_followed(ready_desk: Desk) -> None:
    slug = ready_desk.objects("bot", "list")[0]["slug"]

    result = ready_desk.run("audit", "verify")

    assert (result.exit_code, result.stdout) == (0, f"{slug}: 3 entries, unbroken\n")


def test_a_chain_that_somebody_changed_is_reported_with_the_place(ready_desk: Desk) -> None:
    rows = ready_desk.world.memory.audit.rows
    chain, second = next(key for key in rows if key[1] == 2)
    rows[chain, second] = msgspec.structs.replace(rows[chain, second], action="bot.praised")

    result = ready_desk.run("audit", "verify")
    (told,) = ready_desk.objects("audit", "verify")

    assert result.exit_code == 1
    assert "BROKEN at entry 2" in result.stdout
    assert (told["unbroken"], told["broken_at"]) == (False, 2)


def test_status_shows_who_serves_what_is_being_sent(ready_desk: Desk) -> None:
    ready_desk.send()

    waiting = ready_desk.run("status")
    before = ready_desk.objects("status")[1]
    ready_desk.deliver({})
    after = ready_desk.objects("status")[1]

    assert "1 broadcast waiting for somebody to send: start `skua up`." in waiting.stdout
    assert (before["served"], len(before["broadcasts"])) == (False, 1)
    assert (after["served"], after["holder"], after["broadcasts"]) == (True, "worker-1", [])


def test_a_holder_that_gives_no_sign_of_life_serves_nothing(ready_desk: Desk) -> None:
    ready_desk.send()
    ready_desk.deliver({})
    ready_desk.world.clock.advance(21)

    assert ready_desk.objects("status")[1]["served"] is False


def test_status_says_when_nothing_runs(desk: Desk) -> None:
    result = desk.run("status")

    assert result.exit_code == 0
    assert "Skua isn't running here; `skua up` starts it." in result.stdout
    assert desk.objects("status") == [
        {"database": "embedded", "queue": "ok", "running": False, "bots": 0}
    ]


def test_status_says_when_the_queue_is_away(desk: Desk) -> None:
    desk.world.queue.problem = QueueUnavailable("connection refused")

    assert "The job queue is not available (connection refused)." in desk.run("status").stdout
    assert desk.objects("status")[0]["queue"] == "away"
