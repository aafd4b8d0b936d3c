"""Forget what nobody can sign in with any more."""

from datetime import datetime

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import ChallengeRow, DeviceRow, SessionRow
from skua_core.domain.session import DEVICE_LIVES, SESSION_LIVES


async def prune(session: AsyncSession, before: datetime) -> int:
    """Challenges, sessions and devices that ended earlier; how many there were."""
    sessions = or_(
        SessionRow.revoked_at < before,
        SessionRow.absolute_until < before,
        SessionRow.issued_at < before - SESSION_LIVES,
    )
    devices = DeviceRow.created_at < before - DEVICE_LIVES
    forgotten = 0
    for ended in (
        delete(ChallengeRow)
        .where(ChallengeRow.expires_at < before)
        .returning(ChallengeRow.handle_hash),
        delete(SessionRow).where(sessions).returning(SessionRow.id),
        delete(DeviceRow).where(devices).returning(DeviceRow.id),
    ):
        rows = await session.execute(ended, execution_options={"synchronize_session": False})
        forgotten += len(rows.all())
    return forgotten
