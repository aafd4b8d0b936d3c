"""Known devices."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from skua_adapters._sql.tables import DeviceRow
from skua_core.domain.session import DEVICE_LIVES, Device
from skua_core.ids import DeviceId, UserId
from skua_core.ports.account_storage import DeviceRepository


class PostgresDeviceRepository(DeviceRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, device: Device) -> None:
        await self._session.execute(
            insert(DeviceRow).values(
                id=device.id,
                token_hash=device.token_hash,
                user_id=device.user_id,
                created_at=device.created_at,
                last_seen_at=device.last_seen_at,
                ip=device.ip,
                user_agent=device.user_agent,
            )
        )

    async def find(self, user_id: UserId, token_hash: bytes) -> Device | None:
        row = await self._session.scalar(
            update(DeviceRow)
            .where(DeviceRow.user_id == user_id, DeviceRow.token_hash == token_hash, _is_young())
            .values(last_seen_at=func.clock_timestamp())
            .returning(DeviceRow)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        return None if row is None else _device_of(row)

    async def of_user(self, user_id: UserId) -> Sequence[Device]:
        rows = await self._session.scalars(
            select(DeviceRow)
            .where(DeviceRow.user_id == user_id, _is_young())
            .order_by(DeviceRow.created_at.desc(), DeviceRow.id.desc())
            .execution_options(populate_existing=True)
        )
        return [_device_of(row) for row in rows]

    async def remove(self, user_id: UserId, *, only: DeviceId | None = None) -> int:
        removed = delete(DeviceRow).where(DeviceRow.user_id == user_id)
        if only is not None:
            removed = removed.where(DeviceRow.id == only)
        ids = await self._session.scalars(
            removed.returning(DeviceRow.id).execution_options(synchronize_session=False)
        )
        return len(ids.all())


def _is_young() -> ColumnElement[bool]:
    return DeviceRow.created_at + DEVICE_LIVES > func.clock_timestamp()


def _device_of(row: DeviceRow) -> Device:
    return Device(
        id=DeviceId(row.id),
        token_hash=row.token_hash,
        user_id=UserId(row.user_id),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        ip=row.ip,
        user_agent=row.user_agent,
    )
