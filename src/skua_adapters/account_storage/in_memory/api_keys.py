"""Keys of programs, in memory."""

from collections.abc import Sequence
from datetime import timedelta

from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.session import ApiKey, LiveKey
from skua_core.ids import ApiKeyId, UserId
from skua_core.ports.account_storage import ApiKeyRepository

_NOTED_EVERY = timedelta(minutes=1)


class InMemoryApiKeyRepository(ApiKeyRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._keys = transaction.api_keys

    async def add(self, key: ApiKey) -> None:
        self._transaction.check_user(key.user_id)
        self._keys.put(key.id, key)

    async def live(self, secret_hash: bytes) -> LiveKey | None:
        now = self._transaction.now()
        for key in self._keys.find("secret_hash", secret_hash):
            user = self._transaction.users.get(key.user_id)
            if user is None or user.disabled_at is not None or not key.live(now):
                return None
            found = LiveKey(key=key, user=user)
            if key.last_used_at is None or now - key.last_used_at >= _NOTED_EVERY:
                noted = self._keys.get(key.id)
                if noted is not None:
                    noted.last_used_at = now
                    self._keys.put(noted.id, noted)
            return found
        return None

    async def of_user(self, user_id: UserId) -> Sequence[ApiKey]:
        keys = self._keys.find("user", user_id)
        return sorted(keys, key=lambda each: (each.created_at, each.id), reverse=True)

    async def remove(self, user_id: UserId, *, only: ApiKeyId | None = None) -> int:
        removed = [
            key for key in self._keys.find("user", user_id) if only is None or key.id == only
        ]
        for key in removed:
            self._keys.delete(key.id)
        return len(removed)
