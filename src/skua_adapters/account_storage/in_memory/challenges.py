"""Attempts to prove an address, in memory."""

import msgspec

from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.ports.account_storage import ChallengeRepository


class InMemoryChallengeRepository(ChallengeRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._challenges = transaction.challenges

    async def add(self, challenge: Challenge) -> None:
        self._transaction.check_user(challenge.user_id)
        self._challenges.put(challenge.handle_hash, challenge)

    async def lock(self, handle_hash: bytes) -> Challenge | None:
        return self._challenges.get(handle_hash)

    async def save(self, challenge: Challenge) -> None:
        stored = self._challenges.get(challenge.handle_hash)
        if stored is not None:
            changed = {name: getattr(challenge, name) for name in _CHANGING}
            self._challenges.put(challenge.handle_hash, msgspec.structs.replace(stored, **changed))

    async def close_others(
        self, purpose: ChallengePurpose, login: str, *, but: bytes | None = None
    ) -> None:
        for challenge in self._challenges.find("login", login):
            if challenge.purpose is purpose and challenge.handle_hash != but:
                challenge.closed = True
                self._challenges.put(challenge.handle_hash, challenge)


_CHANGING = ("code_mac", "expires_at", "tries", "closed", "password")
