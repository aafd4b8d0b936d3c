"""Forget what nobody can sign in with any more."""

from datetime import timedelta

from skua_core.ports.account_storage import AccountStorage

KEPT = timedelta(days=7)
"""After the end, for whoever looks into what went wrong. The audit log tells of it for longer."""


class ForgetEnded:
    """Attempts to prove an address, sessions and known devices go a week after their end.

    They hold addresses of the network, and those of people who never became users. It may be done
    again by anybody.
    """

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self) -> int:
        """How many there were. Raises StorageUnavailable."""
        async with self._storage.unit() as unit:
            forgotten = await unit.prune(before=await unit.now() - KEPT)
            await unit.commit()
        return forgotten
