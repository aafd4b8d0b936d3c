"""Sessions; whether one lives is asked by the database's clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Update, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from skua_adapters._sql.tables import CredentialsRow, SessionRow, UserRow
from skua_adapters._sql.users import user_of
from skua_core.domain.session import SESSION_LIVES, EndReason, LiveSession, Session
from skua_core.ids import DeviceId, SessionId, UserId
from skua_core.ports.account_storage import SessionRepository

_NOTED_EVERY = timedelta(minutes=1)


class PostgresSessionRepository(SessionRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session: Session) -> None:
        reason = session.end_reason
        await self._session.execute(
            insert(SessionRow).values(
                id=session.id,
                sid_hash=session.sid_hash,
                user_id=session.user_id,
                created_at=session.created_at,
                issued_at=session.issued_at,
                last_seen_at=session.last_seen_at,
                absolute_until=session.absolute_until,
                stepped_up_at=session.stepped_up_at,
                ip=session.ip,
                user_agent=session.user_agent,
                device_id=session.device_id,
                revoked_at=session.revoked_at,
                end_reason=None if reason is None else reason.value,
            )
        )

    async def live(self, sid_hash: bytes) -> LiveSession | None:
        found = await self._session.execute(
            select(
                SessionRow,
                UserRow,
                func.coalesce(CredentialsRow.totp_confirmed, False),
                _is_stale(),
            )
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .outerjoin(CredentialsRow, CredentialsRow.user_id == SessionRow.user_id)
            .where(SessionRow.sid_hash == sid_hash, _lives(), UserRow.disabled_at.is_(None))
            .execution_options(populate_existing=True)
        )
        for row, user, totp_enabled, stale in found:
            live = LiveSession(
                session=_session_of(row), user=user_of(user), totp_enabled=totp_enabled
            )
            if stale:
                await self._note_seen(SessionId(row.id))
            return live
        return None

    async def of_user(self, user_id: UserId) -> Sequence[Session]:
        rows = await self._session.scalars(
            select(SessionRow)
            .where(SessionRow.user_id == user_id, _lives())
            .order_by(SessionRow.created_at.desc(), SessionRow.id.desc())
            .execution_options(populate_existing=True)
        )
        return [_session_of(row) for row in rows]

    async def roll(self, session_id: SessionId) -> datetime | None:
        return await self._session.scalar(
            _change(session_id)
            .values(issued_at=func.clock_timestamp())
            .returning(SessionRow.issued_at)
        )

    async def step_up(self, session_id: SessionId) -> None:
        await self._session.execute(
            _change(session_id).values(stepped_up_at=func.clock_timestamp())
        )

    async def revoke(
        self,
        user_id: UserId,
        reason: EndReason,
        *,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        ending = select(SessionRow.id).where(SessionRow.user_id == user_id, _lives())
        if only is not None:
            ending = ending.where(SessionRow.id == only)
        if but is not None:
            ending = ending.where(SessionRow.id != but)
        # By id, so that two who end the same ones wait for each other in one order.
        held = await self._session.scalars(
            ending.order_by(SessionRow.id).with_for_update(key_share=True)
        )
        ids = held.all()
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.id.in_(ids))
            .values(revoked_at=func.clock_timestamp(), end_reason=reason.value)
            .execution_options(synchronize_session=False)
        )
        return len(ids)

    async def _note_seen(self, session_id: SessionId) -> None:
        # Whoever holds the row notes it, or ends the session: neither is worth waiting for.
        free = (
            select(SessionRow.id)
            .where(SessionRow.id == session_id, _is_stale())
            .with_for_update(key_share=True, skip_locked=True)
        )
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.id.in_(free))
            .values(last_seen_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )


def _change(session_id: SessionId) -> Update:
    """Only what still lives is changed."""
    return (
        update(SessionRow)
        .where(SessionRow.id == session_id, _lives())
        .execution_options(synchronize_session=False)
    )


def _lives() -> ColumnElement[bool]:
    """As ``Session.live`` says."""
    return and_(
        SessionRow.revoked_at.is_(None),
        SessionRow.absolute_until > func.clock_timestamp(),
        SessionRow.issued_at + SESSION_LIVES > func.clock_timestamp(),
    )


def _is_stale() -> ColumnElement[bool]:
    return SessionRow.last_seen_at + _NOTED_EVERY <= func.clock_timestamp()


def _session_of(row: SessionRow) -> Session:
    return Session(
        id=SessionId(row.id),
        sid_hash=row.sid_hash,
        user_id=UserId(row.user_id),
        created_at=row.created_at,
        issued_at=row.issued_at,
        last_seen_at=row.last_seen_at,
        absolute_until=row.absolute_until,
        stepped_up_at=row.stepped_up_at,
        ip=row.ip,
        user_agent=row.user_agent,
        device_id=None if row.device_id is None else DeviceId(row.device_id),
        revoked_at=row.revoked_at,
        end_reason=None if row.end_reason is None else EndReason(row.end_reason),
    )
