"""What operators and subscribers do while everything falls down around them."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from skua_core.domain.broadcast import Broadcast
from skua_core.domain.secret import BotToken
from skua_core.errors import BroadcastStateConflict, StorageUnavailable, TelegramUnavailable
from skua_core.ids import BotId
from skua_core.use_cases.bots import (
    RemoveToken,
    RemoveTokenCommand,
    SetReadOnly,
    SetReadOnlyCommand,
    SetToken,
    SetTokenCommand,
)
from tests.e2e.delivery.installation import ConnectedBot, Installation
from tests.e2e.delivery.ledger import BotBooks
from tests.e2e.delivery.telegram import SimulatedTelegram
from tests.e2e.torture.database import AWAY
from tests.e2e.torture.plan import Act
from tests.e2e.torture.witness import Witness

_Found = TypeVar("_Found")
_Deed = Callable[[], Awaitable[None]]
_AGAIN = 0.2
"""Seconds before an operator tries again what didn't work."""


class Deeds(msgspec.Struct):
    """How often something was done to a bot, as far as whoever did it can tell."""

    least: int = 0
    most: int = 0
    """More than ``least`` where no answer came."""


class Journal:
    """Everything that operators did and the audit log must tell, by bot and action."""

    def __init__(self) -> None:
        self._deeds: dict[BotId, dict[str, Deeds]] = defaultdict(lambda: defaultdict(Deeds))

    def note(self, bot_id: BotId, action: str, *, least: int, most: int) -> None:
        deeds = self._deeds[bot_id][action]
        deeds.least += least
        deeds.most += most

    def faults(self, bots: Sequence[BotBooks]) -> Iterator[str]:
        """I4: each deed has its entry, and each entry its deed."""
        for books in bots:
            told: dict[str, int] = defaultdict(int)
            for entry in books.audit:
                told[entry.action] += 1
            for action in _TOLD:
                deeds = self._deeds[BotId(books.bot_id)][action]
                if not deeds.least <= told[action] <= deeds.most:
                    yield (
                        f"I4: {action} of bot {books.bot_id} stands {told[action]} times in the"
                        f" audit log and was done {deeds.least} to {deeds.most} times"
                    )


_TOLD = (
    "broadcast.paused",
    "broadcast.resumed",
    "broadcast.cancelled",
    "bot.made_read_only",
    "bot.made_writable",
    "bot.token_removed",
    "bot.token_set",
)
"""Actions that nobody but an operator's command writes down here."""


class Operators:
    """Try until it works, and keep a journal."""

    def __init__(
        self,
        installation: Installation,
        telegram: SimulatedTelegram,
        witness: Witness,
        journal: Journal,
    ) -> None:
        self._installation = installation
        self._telegram = telegram
        self._witness = witness
        self._journal = journal

    async def shut_and_open(
        self, act: Act, bot: ConnectedBot, broadcast: Broadcast, seconds: float
    ) -> bool:
        """Whether the gate could be shut: no broadcast can be paused that is over."""
        (shut_action, shut), (open_action, open_) = self._gate(act, bot, broadcast)
        answered = await self._insist(bot, shut_action, shut)
        if answered is None:
            return False
        source_id = broadcast.id if act is Act.PAUSE else None
        closing = await self._until_database(
            lambda: self._witness.close(shut_action, bot, source_id, answered)
        )
        await asyncio.sleep(seconds)
        closing.reopened_at = await self._until_database(self._database_time)
        closing.reopened = time.monotonic()
        await self._insist(bot, open_action, open_)
        return True

    async def cancel(self, bot: ConnectedBot, broadcast: Broadcast) -> bool:
        answered = await self._insist(
            bot, "broadcast.cancelled", lambda: self._installation.cancel(bot, broadcast)
        )
        if answered is None:
            return False
        await self._until_database(
            lambda: self._witness.close("broadcast.cancelled", bot, broadcast.id, answered)
        )
        return True

    async def chatter(self, bot: ConnectedBot, people: Sequence[int], draw: random.Random) -> int:
        """Some leave, and half of them come back; how many updates that was."""
        leaving = draw.sample(people, k=6)
        for person in leaving:
            await self._telegram.say(bot.telegram_id, person, "/stop")
        for person in leaving[::2]:
            await asyncio.sleep(draw.uniform(0.2, 1.0))
            await self._telegram.say(bot.telegram_id, person, "/start")
        return len(leaving) + len(leaving[::2])

    def _gate(
        self, act: Act, bot: ConnectedBot, broadcast: Broadcast
    ) -> tuple[tuple[str, _Deed], tuple[str, _Deed]]:
        if act is Act.PAUSE:
            return (
                ("broadcast.paused", lambda: self._installation.pause(bot, broadcast)),
                ("broadcast.resumed", lambda: self._installation.resume(bot, broadcast)),
            )
        if act is Act.READ_ONLY:
            return (
                ("bot.made_read_only", lambda: self._set_read_only(bot, read_only=True)),
                ("bot.made_writable", lambda: self._set_read_only(bot, read_only=False)),
            )
        return (
            ("bot.token_removed", lambda: self._remove_token(bot)),
            ("bot.token_set", lambda: self._set_token(bot)),
        )

    async def _set_read_only(self, bot: ConnectedBot, *, read_only: bool) -> None:
        switch = await self._installation.container.get(SetReadOnly)
        await switch(SetReadOnlyCommand(access=bot.access, read_only=read_only))

    async def _remove_token(self, bot: ConnectedBot) -> None:
        remove = await self._installation.container.get(RemoveToken)
        await remove(RemoveTokenCommand(access=bot.access))

    async def _set_token(self, bot: ConnectedBot) -> None:
        set_token = await self._installation.container.get(SetToken)
        await set_token(SetTokenCommand(access=bot.access, token=BotToken(bot.token)))

    async def _insist(self, bot: ConnectedBot, action: str, deed: _Deed) -> float | None:
        """When it was answered; None if there was nothing to do any more."""
        unsure = 0
        while True:
            try:
                await deed()
            except (StorageUnavailable, TelegramUnavailable):
                # It may have been done all the same: the connection broke at the commit, or the
                # second half of it failed.
                unsure += 1
                await asyncio.sleep(_AGAIN)
            except BroadcastStateConflict:
                if not unsure:
                    return None
                self._journal.note(bot.id, action, least=1, most=unsure)
                return time.monotonic()
            else:
                self._journal.note(bot.id, action, least=1, most=unsure + 1)
                return time.monotonic()

    async def _database_time(self) -> float:
        row = await self._installation.row(
            "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"
        )
        now: float = row["now"]
        return now

    async def _until_database(self, ask: Callable[[], Awaitable[_Found]]) -> _Found:
        while True:
            try:
                return await ask()
            except AWAY:
                await asyncio.sleep(_AGAIN)
