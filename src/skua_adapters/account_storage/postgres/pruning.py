"""Forget what nobody can sign in with any more."""

from datetime import datetime

from sqlalchemy import Delete, delete, or_
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import ChallengeRow, DeviceRow, SessionRow
from skua_core.domain.session import DEVICE_LIVES, SESSION_LIVES


async def prune(session: AsyncSession, before: datetime) -> int:
    """Challenges, sessions and devices that ended earlier; how many there were."""
    return (
        await _delete(
            session,
            delete(ChallengeRow)
            .where(ChallengeRow.expires_at < before)
            .returning(ChallengeRow.handle_hash),
        )
        + await _delete(
            session,
            delete(SessionRow)
            .where(
                or_(
                    SessionRow.revoked_at < before,
                    SessionRow.absolute_until < before,
                    SessionRow.issued_at < before - SESSION_LIVES,
                )
            )
            .returning(SessionRow.id),
        )
        + await _delete(
            session,
            delete(DeviceRow)
            .where(DeviceRow.created_at < before - DEVICE_LIVES)
            .returning(DeviceRow.id),
        )
    )


async def _delete(session: AsyncSession, ended: Delete) -> int:
    rows = await session.execute(ended.execution_options(synchronize_session=False))
    return len(rows.all())
