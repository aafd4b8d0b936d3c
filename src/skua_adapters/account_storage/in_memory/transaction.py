"""Everything that a unit over accounts may see, and its changes until they are applied."""

from datetime import datetime
from typing import Any

from skua_adapters._memory import Memory
from skua_adapters._memory.tables import K, OpenTable, Table, V
from skua_core.domain.session import DEVICE_LIVES, SESSION_LIVES, Device, Session
from skua_core.errors import UserNotFound
from skua_core.ids import UserId


class AccountTransaction:
    def __init__(self, memory: Memory) -> None:
        self.now = memory.clock.now
        self._tables: list[OpenTable[Any, Any]] = []
        self.users = self._open(memory.users)
        self.bots = self._open(memory.bots)
        self.roles = self._open(memory.roles)
        self.audit = self._open(memory.audit)
        accounts = memory.accounts
        self.credentials = self._open(accounts.credentials)
        self.challenges = self._open(accounts.challenges)
        self.sessions = self._open(accounts.sessions)
        self.devices = self._open(accounts.devices)
        self.api_keys = self._open(accounts.api_keys)
        self.recovery_codes = self._open(accounts.recovery_codes)
        self.mails = self._open(accounts.mails)
        self.invitations = self._open(accounts.invitations)

    def check_user(self, user_id: UserId | None) -> None:
        """Raises UserNotFound for one who is gone; None is nobody, which is all right."""
        if user_id is not None and self.users.get(user_id) is None:
            raise UserNotFound

    def remove_device(self, device: Device) -> None:
        """Sessions that began on it go on without."""
        self.devices.delete(device.id)
        for session in self.sessions.find("user", device.user_id):
            if session.device_id == device.id:
                session.device_id = None
                self.sessions.put(session.id, session)

    def prune(self, before: datetime) -> int:
        """Forget what ended earlier; how much it was."""
        challenges = [each for each in self.challenges.values() if each.expires_at < before]
        for challenge in challenges:
            self.challenges.delete(challenge.handle_hash)
        sessions = [each for each in self.sessions.values() if _ended(each, before)]
        for session in sessions:
            self.sessions.delete(session.id)
        devices = [
            each for each in self.devices.values() if each.created_at + DEVICE_LIVES < before
        ]
        for device in devices:
            self.remove_device(device)
        return len(challenges) + len(sessions) + len(devices)

    def apply(self) -> None:
        for table in self._tables:
            table.apply()

    def _open(self, table: Table[K, V]) -> OpenTable[K, V]:
        opened = OpenTable(table)
        self._tables.append(opened)
        return opened


def _ended(session: Session, before: datetime) -> bool:
    ends = [session.absolute_until, session.issued_at + SESSION_LIVES, session.revoked_at]
    return any(end is not None and end < before for end in ends)
