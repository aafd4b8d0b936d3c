"""Known devices: from which one has signed in before."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.session import Device
from skua_core.errors import ItemNotFound
from skua_core.ids import DeviceId, parse_id
from skua_core.ports.account_storage import AccountStorage
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry


class ListDevicesQuery(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class ListDevices:
    """Newest first."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListDevicesQuery) -> Sequence[Device]:
        """Raises KeyNotAllowed."""
        user_id = query.signed_in.as_person().user_id
        async with self._storage.unit() as unit:
            return await unit.devices.of_user(user_id)


class RevokeDeviceCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    device_id: str


class RevokeDevice:
    """Make a device unknown again. Its sessions go on until they are ended."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: RevokeDeviceCommand) -> None:
        """Raises ItemNotFound and KeyNotAllowed."""
        user_id = command.signed_in.as_person().user_id
        device_id = parse_id(DeviceId, command.device_id)
        if device_id is None:
            raise ItemNotFound
        async with self._storage.unit() as unit:
            if not await unit.devices.remove(user_id, only=device_id):
                raise ItemNotFound
            entry = account_entry(
                command.signed_in.actor, "device_revoked", {"device": command.device_id}
            )
            await unit.audit(user_id).append(entry)
            await unit.commit()


class RevokeDevicesCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class RevokeDevices:
    """Make all of them unknown, this one too."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: RevokeDevicesCommand) -> None:
        """Raises KeyNotAllowed."""
        user_id = command.signed_in.as_person().user_id
        async with self._storage.unit() as unit:
            removed = await unit.devices.remove(user_id)
            if removed:
                entry = account_entry(
                    command.signed_in.actor, "devices_revoked", {"devices": removed}
                )
                await unit.audit(user_id).append(entry)
                await unit.commit()
