"""Freezing audiences, queueing single messages, cancelling what waits."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from sqlalchemy import TextClause

from skua_adapters.tenant_storage.postgres import delivery_statements as sql
from skua_adapters.tenant_storage.postgres.late_proofs import PostgresLateProofs
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus, DirectOrigin
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.ids import BroadcastId, ChatId, DirectMessageId, SubscriberId
from skua_core.ports.repositories import DeliveryRepository, Recipient

_FETCHED_AT_ONCE = 1000


class PostgresDeliveryRepository(PostgresLateProofs, DeliveryRepository):
    async def freeze(self, broadcast_id: BroadcastId) -> int:
        broadcast = self._named(broadcast_id)
        if not await self._session.scalar(sql.TRY_FREEZE_LOCK, broadcast):
            return 0
        if not await self._session.scalar(sql.MAY_FREEZE, broadcast):
            return 0
        savepoint = await self._session.begin_nested()
        found = await self._session.execute(sql.FREEZE, broadcast)
        numbers: dict[str, int] = {row.status: row.number for row in found}
        audience = numbers.pop(SubscriberStatus.ACTIVE, 0)
        locked = (await self._session.execute(sql.LOCK_BROADCAST, broadcast)).one_or_none()
        if locked is None or locked.status != BroadcastStatus.SENDING:
            # Paused or cancelled meanwhile; whoever resumes it freezes who is there by then.
            await savepoint.rollback()
            return 0
        excluded = msgspec.json.encode(numbers).decode()
        await self._session.execute(
            sql.FINISH_FREEZE, broadcast | {"audience": audience, "excluded": excluded}
        )
        await savepoint.commit()
        return audience

    async def enqueue_direct(
        self,
        message_id: DirectMessageId,
        *,
        kind: DeliveryKind,
        subscriber_id: SubscriberId,
        content: RenderedMessage,
        lifetime: float,
        origin: DirectOrigin | None = None,
    ) -> None:
        await self._session.execute(
            sql.ENQUEUE_DIRECT,
            {
                "bot": self._bot_id,
                "id": message_id,
                "kind": kind.value,
                "subscriber": subscriber_id,
                "content": msgspec.json.encode(content).decode(),
                "lifetime": lifetime,
                "campaign": None if origin is None else origin.campaign_id,
                "revision": None if origin is None else origin.revision,
                "variant": None if origin is None else origin.variant,
                "auto_message": None if origin is None else origin.auto_message_id,
            },
        )

    async def cancel_pending(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> int:
        broadcast = self._named(broadcast_id)
        locked = (await self._session.execute(sql.LOCK_BROADCAST, broadcast)).one_or_none()
        if locked is None or locked.status != BroadcastStatus.CANCELLED:
            return 0
        cancelled = await self._change(sql.CANCEL_PUT_BACK, broadcast | {"limit": limit})
        cursor: int = locked.cursor
        while cancelled < limit and cursor < locked.audience:
            last = min(cursor + limit - cancelled, locked.audience)
            cancelled += await self._change(
                sql.CANCEL_NEXT, broadcast | {"cursor": cursor, "last": last, "limit": limit}
            )
            cursor = last
        await self._session.execute(
            sql.COUNT_CANCELLED, broadcast | {"cursor": cursor, "cancelled": cancelled}
        )
        return cancelled

    async def resend_next(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> bool:
        broadcast = self._named(broadcast_id)
        locked = (await self._session.execute(sql.LOCK_BROADCAST, broadcast)).one_or_none()
        if locked is None or not locked.resending:
            return False
        last = min(locked.resend_cursor + limit, locked.audience)
        resent = await self._session.execute(
            sql.SEND_AGAIN,
            broadcast
            | {
                "cursor": locked.resend_cursor,
                "last": last,
                "limit": limit,
                "outcomes": locked.resending,
            },
        )
        numbers: dict[str, int] = {row.status: row.number for row in resent}
        more: bool = last < locked.audience
        counted = {
            "last": last,
            "more": more,
            "failed": numbers.get(DeliveryStatus.FAILED, 0),
            "uncertain": numbers.get(DeliveryStatus.UNCERTAIN, 0),
        }
        await self._session.execute(sql.COUNT_RESENT, broadcast | counted)
        return more

    async def recipients(self, broadcast_id: BroadcastId) -> AsyncIterator[Recipient]:
        rows = await self._session.stream(
            sql.RECIPIENTS,
            self._named(broadcast_id),
            execution_options={"yield_per": _FETCHED_AT_ONCE},
        )
        try:
            async for row in rows:
                yield Recipient(
                    position=row.position,
                    subscriber_id=SubscriberId(row.subscriber_id),
                    chat_id=None if row.chat_id is None else ChatId(row.chat_id),
                    status=row.status,
                    reason=row.reason,
                    detail=row.detail,
                    attempt=row.attempt,
                    message_id=row.message_id,
                    finished_at=row.finished_at,
                )
        finally:
            await rows.close()

    async def audit_counts(self, broadcast_id: BroadcastId) -> bool:
        return bool(await self._session.scalar(sql.COUNTS_HOLD, self._named(broadcast_id)))

    def _named(self, broadcast_id: BroadcastId) -> dict[str, Any]:
        return {"bot": self._bot_id, "id": broadcast_id}

    async def _change(self, statement: TextClause, parameters: dict[str, Any]) -> int:
        """How many rows that were."""
        changed: int | None = await self._session.scalar(statement, parameters)
        return changed or 0
