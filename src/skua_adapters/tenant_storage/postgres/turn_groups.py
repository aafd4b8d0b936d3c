"""Turns of many lanes in one transaction, by one call of ``platform.take_turns``."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.sessions import Sessions
from skua_adapters.tenant_storage.postgres.turn_statements import TAKE_TURNS
from skua_adapters.tenant_storage.postgres.unit import BY_KEY
from skua_core.domain.content import Personalisation
from skua_core.domain.delivery import Claim, ClaimedDelivery, DeliveryKey, DeliveryKind, Settlement
from skua_core.domain.lane import GROUP_SPACING, LaneTimes
from skua_core.domain.secret import SealedSecret
from skua_core.errors import StorageUnavailable
from skua_core.faults import fault
from skua_core.ids import CampaignId, ChatId, SourceId, SubscriberId
from skua_core.ports.turn_groups import PlainTurn, TurnGroups

_LOCK_TIMEOUT = 0.5
"""Seconds. What is locked beforehand is passed over; a row that an intake holds is let go soon."""
_IN_EACH_OTHERS_WAY = {Trouble.LOCKED, Trouble.CONFLICT}
_number = itemgetter(0)
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode
_BROADCAST = DeliveryKind.BROADCAST


class PostgresTurnGroups(TurnGroups):
    def __init__(self, engine: AsyncEngine, *, times: LaneTimes) -> None:
        self._sessions = Sessions(engine, lock_timeout=_LOCK_TIMEOUT, idle_timeout=times.fence)

    async def take(self, turns: Sequence[PlainTurn]) -> Sequence[Claim | None]:
        claims: list[Claim | None] = [None] * len(turns)
        # In one order everywhere, so that two groups can't wait for each other in a circle.
        left = sorted(range(len(turns)), key=lambda place: turns[place].lease.bot_id)
        try:
            busy = await self._take(turns, left, claims)
            if busy:
                # A heartbeat, mostly, which holds all lanes of the process for a moment.
                await self._take(turns, busy, claims)
        except StorageUnavailable as error:
            if error.reason not in _IN_EACH_OTHERS_WAY:
                raise
        return claims

    async def _take(
        self, turns: Sequence[PlainTurn], places: Sequence[int], claims: list[Claim | None]
    ) -> list[int]:
        """Fill in the claims at these places; the places whose lane somebody holds right now."""
        taken: dict[int, Claim] = {}
        busy: list[int] = []
        async with self._sessions.begin(settings=BY_KEY) as session:
            parameters = _parameters([turns[place] for place in places])
            rows = await session.execute(TAKE_TURNS, parameters)
            for number, of_lane in groupby(rows, _number):
                place = places[number - 1]
                claim = _claim(of_lane)
                if claim is None:
                    busy.append(place)
                else:
                    taken[place] = claim
            await fault("result.before_commit")
            try:
                await session.commit()
            except StorageUnavailable as error:
                unsure = error.reason in {Trouble.LOST, Trouble.SLOW}
                raise StorageUnavailable(error.reason, unsure=unsure) from None
        for place, claim in taken.items():
            claims[place] = claim
        return busy


def _parameters(turns: Sequence[PlainTurn]) -> dict[str, Any]:
    """All lanes' answers, lessons and busy chats one after another, and where each lane's end."""
    answers: list[Settlement] = []
    learned: list[tuple[int, Settlement]] = []
    busy: list[int] = []
    answers_end, learned_end, busy_end = [], [], []
    for turn in turns:
        first = len(answers) + 1
        answers += turn.settlements
        learned += ((n, each) for n, each in enumerate(turn.settlements, first) if each.reach)
        busy += turn.order.busy_with_others
        answers_end.append(len(answers))
        learned_end.append(len(learned))
        busy_end.append(len(busy))
    return {
        "bots": [turn.lease.bot_id for turn in turns],
        "leases": [turn.lease.lease_id for turn in turns],
        "epochs": [turn.lease.epoch for turn in turns],
        "rooms": [turn.order.room for turn in turns],
        "answers_end": answers_end,
        "learned_end": learned_end,
        "busy_end": busy_end,
        "sources": [each.key.source_id for each in answers],
        "positions": [each.key.position for each in answers],
        "attempts": [each.attempt for each in answers],
        "statuses": [each.status.value for each in answers],
        "reasons": [each.reason for each in answers],
        "details": [each.detail for each in answers],
        "message_ids": [each.message_id for each in answers],
        "retries": [each.retry_in for each in answers],
        "learned_from": [number for number, _ in learned],
        "learned_of": [each.subscriber_id for _, each in learned],
        "reaches": [each.reach for _, each in learned],
        "learned_at": [each.started_at for _, each in learned],
        "busy": busy,
        "group_spacing": GROUP_SPACING,
    }


def _claim(rows: Iterator[Any]) -> Claim | None:
    """What one lane got: a row about its broadcast, then one for each delivery."""
    _, sealed_token, campaign_id, revision, paid, received, *_ = next(rows)
    if sealed_token is None:
        return None
    campaign = CampaignId(campaign_id)
    return Claim(
        deliveries=tuple(_claimed(row, campaign, revision, paid=paid) for row in rows),
        sealed_token=SealedSecret(sealed_token),
        more=True,
        received=tuple(received),
    )


def _claimed(row: Any, campaign: CampaignId, revision: int, *, paid: bool) -> ClaimedDelivery:
    # Taken apart at once: looking up each name costs more than everything else here.
    _, _, _, _, _, _, source_id, position, attempt, migrated, subscriber_id, chat_id, *rest = row
    first, last, username, language, attributes = rest
    return ClaimedDelivery(
        key=DeliveryKey(SourceId(source_id), position),
        attempt=attempt,
        kind=_BROADCAST,
        subscriber_id=SubscriberId(subscriber_id),
        chat_id=ChatId(chat_id),
        values=Personalisation(
            first or "",
            last or "",
            username or "",
            language or "",
            _decode_attributes(attributes) if attributes else {},
        ),
        campaign_id=campaign,
        revision=revision,
        paid=paid,
        migrated=migrated,
    )
