"""Lets letters leave, soon after they were written."""

import asyncio
import contextlib
import logging

from skua_core.errors import SkuaError
from skua_core.use_cases.accounts.dispatch import DispatchMail

_log = logging.getLogger(__name__)
_LOOK = 1.0
"""Seconds between two looks; a look costs one short query."""
_TROUBLE = 10.0
"""Seconds until another look when the database is away."""
_LAST_WORD = 5.0
"""Seconds that a mail on the wire gets when this process stops; broken off, it may arrive twice."""


class OutboxLoop:
    """Each process may run one: no letter is given to two of them."""

    def __init__(self, dispatch: DispatchMail, *, after_trouble: float = _TROUBLE) -> None:
        """``after_trouble`` is how many seconds the loop waits when a look has failed."""
        self._dispatch = dispatch
        self._after_trouble = after_trouble

    async def run(self) -> None:
        """Until cancelled; a mail that is on the wire then has a little time."""
        while True:
            wait = _LOOK
            try:
                if await self._to_its_end():
                    wait = 0.0
            except SkuaError as error:
                _log.warning("Mails have to wait: %s", error)
                wait = self._after_trouble
            except Exception:  # noqa: BLE001 - registering must not depend on a restart
                _log.exception("Letting mails leave failed")
                wait = self._after_trouble
            await asyncio.sleep(wait)

    async def _to_its_end(self) -> int:
        dispatching = asyncio.create_task(self._dispatch())
        try:
            return await asyncio.shield(dispatching)
        except asyncio.CancelledError:
            await asyncio.wait({dispatching}, timeout=_LAST_WORD)
            dispatching.cancel()
            with contextlib.suppress(asyncio.CancelledError, SkuaError):
                await dispatching
            raise
