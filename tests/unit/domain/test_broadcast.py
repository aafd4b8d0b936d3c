"""The states of a broadcast, and which steps lead from one to the next."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts
from skua_core.errors import BroadcastStateConflict
from skua_core.ids import BroadcastId, CampaignId

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def a_broadcast(status: BroadcastStatus = BroadcastStatus.SENDING) -> Broadcast:
    return Broadcast(
        id=BroadcastId(UUID(int=1)),
        campaign_id=CampaignId(UUID(int=2)),
        revision=1,
        status=status,
        created_at=NOON,
        changed_at=NOON,
    )


def pause(broadcast: Broadcast) -> None:
    broadcast.pause(PauseReason.OPERATOR, now=LATER)


def interrupt(broadcast: Broadcast) -> None:
    broadcast.interrupt(now=LATER)


def resume(broadcast: Broadcast) -> None:
    broadcast.resume(now=LATER)


def cancel(broadcast: Broadcast) -> None:
    broadcast.cancel(now=LATER)


Step = Callable[[Broadcast], None]
STEPS: dict[Step, BroadcastStatus] = {
    pause: BroadcastStatus.PAUSED,
    interrupt: BroadcastStatus.INTERRUPTED,
    resume: BroadcastStatus.SENDING,
    cancel: BroadcastStatus.CANCELLED,
}
ALLOWED: dict[BroadcastStatus, set[Step]] = {
    BroadcastStatus.SENDING: {pause, interrupt, cancel},
    BroadcastStatus.PAUSED: {resume, cancel},
    BroadcastStatus.INTERRUPTED: {resume, cancel},
    BroadcastStatus.COMPLETED: set(),
    BroadcastStatus.CANCELLED: set(),
}


@given(st.sampled_from(BroadcastStatus), st.lists(st.sampled_from(list(STEPS)), max_size=10))
def test_a_broadcast_takes_the_steps_of_the_design_and_no_others(
    status: BroadcastStatus, steps: list[Step]
) -> None:
    broadcast = a_broadcast(status)
    for step in steps:
        if step in ALLOWED[status]:
            step(broadcast)
            status = STEPS[step]
            assert broadcast.changed_at == LATER
        else:
            with pytest.raises(BroadcastStateConflict, match=f"that is {status} can't be"):
                step(broadcast)
        assert broadcast.status is status


def test_a_pause_says_why_until_it_is_over() -> None:
    broadcast = a_broadcast()

    broadcast.pause(PauseReason.CONTENT_REFUSED, now=LATER, detail="Bad Request: …")
    assert (broadcast.pause_reason, broadcast.pause_detail) == (
        PauseReason.CONTENT_REFUSED,
        "Bad Request: …",
    )
    broadcast.resume(now=LATER)

    assert (broadcast.pause_reason, broadcast.pause_detail) == (None, None)


def test_an_interruption_says_that_nobody_served_it() -> None:
    broadcast = a_broadcast()

    broadcast.interrupt(now=LATER)

    assert broadcast.pause_reason is PauseReason.UNSERVED


def test_resuming_keeps_the_wording_unless_another_is_given() -> None:
    broadcast = a_broadcast(BroadcastStatus.PAUSED)

    broadcast.resume(now=LATER)
    assert broadcast.revision == 1
    pause(broadcast)
    broadcast.resume(now=LATER, revision=2)

    assert broadcast.revision == 2


def test_a_broadcast_remembers_every_wording_it_has_sent() -> None:
    broadcast = a_broadcast(BroadcastStatus.PAUSED)

    for revision in (1, 2, 3, 1):
        broadcast.resume(now=LATER, revision=revision)
        pause(broadcast)

    assert {broadcast.revision, *broadcast.former_revisions} == {1, 2, 3}


def test_a_refused_step_changes_nothing() -> None:
    broadcast = a_broadcast(BroadcastStatus.COMPLETED)

    with pytest.raises(BroadcastStateConflict):
        broadcast.resume(now=LATER, revision=2)

    assert broadcast == a_broadcast(BroadcastStatus.COMPLETED)


@given(st.lists(st.integers(0, 1000), min_size=6, max_size=6))
def test_counts_add_up(numbers: list[int]) -> None:
    counts = DeliveryCounts(*numbers)

    assert counts.total == sum(numbers)
    assert counts.open == counts.pending + counts.in_flight
