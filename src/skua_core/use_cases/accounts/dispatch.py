"""Let letters leave."""

import asyncio
import logging
from datetime import datetime, timedelta
from enum import Enum, auto

from skua_core.domain.letter import QueuedLetter
from skua_core.errors import MailUnavailable, MailUndeliverable, SecretUnreadable
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.letter_renderer import LetterRenderer
from skua_core.ports.mailer import Mailer
from skua_core.use_cases.accounts.letters import LetterBox

_log = logging.getLogger(__name__)
_AT_ONCE = 5
"""Letters that leave together; mail servers let nobody have many connections."""
_HOLD = 120.0
"""Seconds until a letter is another's whose process died with it; no mail takes so long."""
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
"""Seconds until another try, doubled each time."""
GIVE_UP_AFTER = timedelta(days=3)
"""Since the letter was written."""


class _Fate(Enum):
    SENT = auto()
    POSTPONED = auto()
    GIVEN_UP = auto()


class DispatchMail:
    """Hand the letters that are due to the mail server, each outside any transaction.

    A letter leaves at least once: whoever dies between the server's word and their own note of it
    lets it be sent again, under the same id. What a server can't take now is tried again for three
    days; what it never will is given up at once.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        letters: LetterBox,
        renderer: LetterRenderer,
        mailer: Mailer,
    ) -> None:
        self._storage = storage
        self._letters = letters
        self._renderer = renderer
        self._mailer = mailer

    async def __call__(self) -> int:
        """The number of letters sent. Raises StorageUnavailable when not even one can be noted."""
        async with self._storage.unit() as unit:
            due = await unit.outbox.take(limit=_AT_ONCE, hold=_HOLD)
            if not due:
                return 0
            now = await unit.now()
            await unit.commit()
        # Each to its end: what goes wrong with one must not break off another on the wire.
        fates = await asyncio.gather(
            *(self._dispatch(queued, now) for queued in due), return_exceptions=True
        )
        for fate in fates:
            if isinstance(fate, BaseException):
                raise fate
        return fates.count(_Fate.SENT)

    async def _dispatch(self, queued: QueuedLetter, now: datetime) -> _Fate:
        fate = await self._try(queued, now)
        async with self._storage.unit() as unit:
            match fate:
                case _Fate.SENT:
                    await unit.outbox.sent(queued.id)
                case _Fate.GIVEN_UP:
                    await unit.outbox.give_up(queued.id)
                case _Fate.POSTPONED:
                    await unit.outbox.postpone(queued.id, seconds=pause(queued.attempts))
            await unit.commit()
        return fate

    async def _try(self, queued: QueuedLetter, now: datetime) -> _Fate:
        # Its content and address belong into no log.
        if now - queued.written_at >= GIVE_UP_AFTER:
            _log.error("Mail %s could not leave for three days and is given up", queued.id)
            return _Fate.GIVEN_UP
        try:
            letter = self._letters.open(queued)
            await self._mailer.send(queued.id, self._renderer.render(letter))
        except MailUndeliverable as error:
            _log.error("Mail %s is given up: %s", queued.id, error)
            return _Fate.GIVEN_UP
        except (MailUnavailable, SecretUnreadable) as error:
            _log.warning("Mail %s has to wait: %s", queued.id, error)
            return _Fate.POSTPONED
        except Exception as defect:  # noqa: BLE001 - one letter must not end the others
            # Without its trace and text, which may hold what the letter says.
            kind = type(defect).__name__
            _log.error("Mail %s waits, by a defect: %s", queued.id, kind)
            return _Fate.POSTPONED
        return _Fate.SENT


def pause(attempts: int) -> float:
    """Seconds to wait after so many attempts."""
    doublings = min(attempts - 1, 10)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
