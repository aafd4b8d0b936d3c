"""Known devices in memory."""

from collections.abc import Sequence

from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.session import DEVICE_LIVES, Device
from skua_core.ids import DeviceId, UserId
from skua_core.ports.account_storage import DeviceRepository


class InMemoryDeviceRepository(DeviceRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._devices = transaction.devices

    async def add(self, device: Device) -> None:
        self._transaction.check_user(device.user_id)
        self._devices.put(device.id, device)

    async def find(self, user_id: UserId, token_hash: bytes) -> Device | None:
        for device in self._known(user_id):
            if device.token_hash == token_hash:
                device.last_seen_at = self._transaction.now()
                self._devices.put(device.id, device)
                return device
        return None

    async def of_user(self, user_id: UserId) -> Sequence[Device]:
        return sorted(
            self._known(user_id), key=lambda each: (each.created_at, each.id), reverse=True
        )

    async def remove(self, user_id: UserId, *, only: DeviceId | None = None) -> int:
        removed = [
            each for each in self._devices.find("user", user_id) if only is None or each.id == only
        ]
        for device in removed:
            self._transaction.remove_device(device)
        return len(removed)

    def _known(self, user_id: UserId) -> list[Device]:
        oldest = self._transaction.now() - DEVICE_LIVES
        return [each for each in self._devices.find("user", user_id) if each.created_at > oldest]
