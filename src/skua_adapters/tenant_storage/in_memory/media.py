"""Uploads, and by what Telegram has this bot's media."""

from collections.abc import Collection, Mapping

from skua_adapters._memory.memory import Transaction
from skua_core.domain.media import MediaUpload
from skua_core.ids import MediaId
from skua_core.ports.repositories import MediaRepository


class InMemoryMediaRepository(MediaRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, upload: MediaUpload) -> None:
        self._transaction.media.put(upload.id, upload)

    async def get(self, media_id: MediaId) -> MediaUpload | None:
        return self._transaction.media.get(media_id)

    async def file_ids(self, keys: Collection[str]) -> Mapping[str, str]:
        known = {key: self._transaction.media_files.get(key) for key in keys}
        return {key: file_id for key, file_id in known.items() if file_id is not None}

    async def remember(self, file_ids: Mapping[str, str]) -> None:
        for key, file_id in file_ids.items():
            self._transaction.media_files.put(key, file_id)

    async def forget(self, keys: Collection[str]) -> None:
        for key in keys:
            if self._transaction.media_files.get(key) is not None:
                self._transaction.media_files.delete(key)
