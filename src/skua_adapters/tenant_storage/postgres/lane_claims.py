"""Claiming: lane first (the caller has it), then bot, item, deliveries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters.tenant_storage.postgres import claim_statements as sql
from skua_adapters.tenant_storage.postgres.chat_delays import delay_chats
from skua_core.domain.content import Personalisation, RenderedMessage
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DirectOrigin,
)
from skua_core.domain.lane import GROUP_SPACING, ClaimOrder, Lease
from skua_core.domain.secret import SealedSecret
from skua_core.ids import BroadcastId, CampaignId, ChatId, SourceId, SubscriberId

_PUT_BACK_SHARE = 2
"""What was put back takes at most this part (a half) of a claim, so that the rest moves on too."""
_KINDS = {kind.value: kind for kind in DeliveryKind}
_NOBODY = UUID(int=0)
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode
_decode_message = msgspec.json.Decoder(RenderedMessage).decode
_decode_origin = msgspec.json.Decoder(DirectOrigin).decode
_IN_FLIGHT, _SKIPPED = "in_flight", "skipped"
_BROADCAST = DeliveryKind.BROADCAST.value


async def claim(session: AsyncSession, lease: Lease, order: ClaimOrder) -> Claim:
    bot = {"bot": lease.bot_id}
    gate = (await session.execute(sql.SHARE_BOT, bot)).one_or_none()
    if gate is None or not gate.may_send or gate.sealed_token is None:
        return Claim()
    items = (await session.execute(sql.LOCK_OPEN_ITEMS, bot)).all()
    sending = next((item for item in items if item.status == "sending" and item.frozen), None)
    unfrozen = next(
        (item.id for item in items if item.status == "sending" and not item.frozen), None
    )
    cancelled = next(
        (
            item.id
            for item in items
            if item.status == "cancelled" and (item.pending or not item.in_flight)
        ),
        None,
    )

    rows, more, next_due_in = await _claim_rows(
        session, lease, order, sending, direct_due=bool(gate.direct_due)
    )
    return Claim(
        deliveries=tuple(claimed(row) for row in rows if row.status == _IN_FLIGHT),
        sealed_token=SealedSecret(gate.sealed_token),
        more=more,
        next_due_in=next_due_in,
        to_freeze=None if unfrozen is None else BroadcastId(unfrozen),
        to_cancel=None if cancelled is None else BroadcastId(cancelled),
        to_resend=BroadcastId(sending.id) if sending is not None and sending.resending else None,
        received=() if sending is None else tuple(sending.received),
    )


async def _claim_rows(
    session: AsyncSession,
    lease: Lease,
    order: ClaimOrder,
    sending: Row[Any] | None,
    *,
    direct_due: bool,
) -> tuple[list[Row[Any]], bool, float | None]:
    parameters = {
        "bot": lease.bot_id,
        "epoch": lease.epoch,
        "room": order.room,
        "sending": _NOBODY if sending is None else sending.id,
        "campaign": None if sending is None else sending.campaign_id,
        "revision": None if sending is None else sending.revision,
        "paid": sending is not None and sending.paid,
    }
    rows: list[Row[Any]] = []
    if direct_due or (sending is not None and _put_back_is_due(sending)):
        rows = await _claim_due(session, parameters, order, sending)
    cursor = 0
    if sending is not None:
        own = sum(row.status == _IN_FLIGHT and row.kind == _BROADCAST for row in rows)
        room = order.room - sum(row.status == _IN_FLIGHT for row in rows)
        room = min(room, _broadcast_room(order) - own)
        cursor = min(sending.cursor + max(0, room), sending.audience)
        rows += await _claim_next(
            session, parameters, order, rows, cursor=sending.cursor, last=cursor
        )
    groups = [row.subscriber_id for row in rows if row.is_group and row.status == _IN_FLIGHT]
    if groups:
        await delay_chats(session, lease.bot_id, dict.fromkeys(groups, GROUP_SPACING))
    full = any(row.status != _IN_FLIGHT for row in rows) or len(rows) >= order.room
    more = full or (sending is not None and cursor < sending.audience)
    at_end = sending is not None and cursor >= sending.audience and not sending.resending
    next_due_in = None if more else await _next_due_in(session, parameters | {"at_end": at_end})
    return rows, more, next_due_in


def _broadcast_room(order: ClaimOrder) -> int:
    return order.room if order.broadcast_room is None else min(order.room, order.broadcast_room)


def _put_back_is_due(sending: Row[Any]) -> bool:
    return sending.put_back == "due" or _has_come_to_those_behind(sending)


def _has_come_to_those_behind(sending: Row[Any]) -> bool:
    nothing_else = sending.cursor >= sending.audience and not sending.resending
    return bool(sending.put_back == "behind" and nothing_else)


async def _claim_due(
    session: AsyncSession,
    parameters: dict[str, Any],
    order: ClaimOrder,
    sending: Row[Any] | None,
) -> list[Row[Any]]:
    direct_room, put_back_room, behind = order.room, 0, False
    if sending is not None and sending.pending > 0:
        own = _broadcast_room(order)
        direct_room = min(order.room, max(order.direct_room, order.room - own))
        put_back_room = own
        if sending.cursor < sending.audience:
            put_back_room = min(own, -(-order.room // _PUT_BACK_SHARE))
        behind = _has_come_to_those_behind(sending)
    due = await session.execute(
        sql.CLAIM_DUE,
        parameters
        | {
            "busy": list(order.busy_chats),
            "candidates": 2 * order.room,
            "direct_room": direct_room,
            "put_back_room": put_back_room,
            "behind": behind,
        },
    )
    return sorted(due, key=lambda row: (row.kind == _BROADCAST, row.place))


async def _claim_next(
    session: AsyncSession,
    parameters: dict[str, Any],
    order: ClaimOrder,
    due: list[Row[Any]],
    *,
    cursor: int,
    last: int,
) -> list[Row[Any]]:
    """What follows the cursor; its item's counters move for that and for what was due."""
    own = [row.status for row in due if row.kind == _BROADCAST]
    moved = {"last": last, "claimed": own.count(_IN_FLIGHT), "skipped": own.count(_SKIPPED)}
    if last == cursor:
        await session.execute(sql.COUNT_CLAIM, parameters | moved)
        return []
    claimed_chats = [row.chat_id for row in due if row.status == _IN_FLIGHT]
    following = await session.execute(
        sql.CLAIM_NEXT,
        parameters
        | moved
        | {"cursor": cursor, "busy_with_others": [*order.busy_with_others, *claimed_chats]},
    )
    return sorted(following, key=lambda row: row.position)


async def _next_due_in(session: AsyncSession, parameters: dict[str, Any]) -> float | None:
    wait: float | None = await session.scalar(sql.NEXT_DUE, parameters)
    return None if wait is None else max(0.0, wait)


def claimed(row: Row[Any]) -> ClaimedDelivery:
    """One row of ``CLAIM_DUE``, ``CLAIM_NEXT`` or ``IN_FLIGHT``; they have the same columns."""
    # Taken apart at once: looking up each name costs more than everything else here.
    cells: Sequence[Any] = row
    source_id, position, _, kind, attempt, migrated, revision, subscriber_id, chat_id, *rest = cells
    first_name, last_name, username, language, attributes, campaign_id, paid, *rest = rest
    content, origin, refused, _, _ = rest
    of_broadcast = kind == _BROADCAST
    return ClaimedDelivery(
        key=DeliveryKey(SourceId(source_id), position),
        attempt=attempt,
        kind=_KINDS[kind],
        subscriber_id=SubscriberId(subscriber_id),
        chat_id=ChatId(chat_id),
        values=Personalisation(
            first_name or "",
            last_name or "",
            username or "",
            language or "",
            _decode_attributes(attributes) if attributes else {},
        ),
        campaign_id=CampaignId(campaign_id) if of_broadcast else None,
        revision=revision if of_broadcast else None,
        paid=paid,
        message=None if content is None else _decode_message(content),
        migrated=migrated,
        refused=refused,
        origin=None if origin is None else _decode_origin(origin),
    )
