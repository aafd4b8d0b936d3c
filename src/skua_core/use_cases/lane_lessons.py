"""What answers have taught a lane, until it's stored with one of its turns."""

from uuid import UUID

import msgspec

from skua_core.domain.lane import Lease
from skua_core.ports.tenant_storage import TenantUnit


class LaneLessons(msgspec.Struct):
    """Wordings that somebody has received, and by what Telegram has the bot's media."""

    received: set[tuple[UUID, str]] = msgspec.field(default_factory=set)
    """Of which broadcast or auto-message, and which wording."""
    file_ids: dict[str, str] = msgspec.field(default_factory=dict)
    """By ``Medium.key``."""
    forgotten: set[str] = msgspec.field(default_factory=set)
    """Keys of files that Telegram doesn't know any more; stored ahead of ``file_ids``."""

    def __bool__(self) -> bool:
        return bool(self.received or self.file_ids or self.forgotten)

    def forget(self, key: str) -> None:
        self.file_ids.pop(key, None)
        self.forgotten.add(key)

    def take(self) -> "LaneLessons":
        """All of them, to be stored."""
        taken = LaneLessons(self.received, self.file_ids, self.forgotten)
        self.received, self.file_ids, self.forgotten = set(), {}, set()
        return taken

    def give_back(self, older: "LaneLessons") -> None:
        """They could not be stored: keep them, where nothing newer is known."""
        still = {key: each for key, each in older.file_ids.items() if key not in self.forgotten}
        self.received |= older.received
        self.file_ids = still | self.file_ids
        self.forgotten |= older.forgotten

    async def store(self, unit: TenantUnit, lease: Lease) -> None:
        for item_id, wording in self.received:
            await unit.lane.note_received(lease, item_id, wording)
        if self.forgotten:
            await unit.media.forget(self.forgotten)
        if self.file_ids:
            await unit.media.remember(self.file_ids)
