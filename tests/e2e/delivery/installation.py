"""One installation of Skua as separate processes, and what its operator does."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import asyncpg
from dishka import AsyncContainer

from skua_app.container import make_container
from skua_app.settings import load
from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import MessageSource
from skua_core.domain.media import MediaKind, Medium
from skua_core.domain.secret import BotToken
from skua_core.domain.user import Actor
from skua_core.ids import BroadcastId, CampaignId
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.access import BotAccess, EnterBot, EnterBotQuery
from skua_core.use_cases.bots import AddBot, AddBotCommand
from skua_core.use_cases.broadcasts import (
    CancelBroadcast,
    CancelBroadcastCommand,
    PauseBroadcast,
    PauseBroadcastCommand,
    ResumeBroadcast,
    ResumeBroadcastCommand,
    SendBroadcast,
    SendBroadcastCommand,
)
from skua_core.use_cases.campaigns import ComposeCampaign, ComposeCampaignCommand
from skua_core.use_cases.media import UploadMedia, UploadMediaCommand
from skua_core.use_cases.subscribers import ImportSubscribers, ImportSubscribersCommand
from tests.e2e.delivery.ledger import BotBooks, read_books
from tests.e2e.delivery.programs import Death, KeptProgram, Plan, Program, ServerProgram

_Found = TypeVar("_Found")
SKUA = (sys.executable, "-c", "from skua_app.cli import main; main()")
LOGIN = "cli:test"
PATIENCE = 60.0
"""Seconds that anything awaited may take on a busy machine; nothing is measured by it."""

# Ten times shorter than what an installation runs with; so long as nobody serves it for a whole
# minute, a broadcast isn't interrupted.
SHORT_LANES = {
    "SKUA_LANE_HEARTBEAT": "0.4",
    "SKUA_LANE_FENCE": "1.2",
    "SKUA_LANE_TAKEOVER": "2.0",
    "SKUA_LANE_FUTURE_TOLERANCE": "0.5",
    "SKUA_LANE_SWEEP": "0.5",
    "SKUA_LANE_PATIENCE": "2.0",
    "SKUA_LANE_UNSERVED": "60",
}


class ConnectedBot:
    """A bot of the installation, with its access and the words by which its messages are told."""

    def __init__(self, bot: Bot, access: BotAccess, token: str) -> None:
        assert bot.telegram_id is not None
        self.id, self.slug, self.telegram_id = bot.id, bot.slug, int(bot.telegram_id)
        self.access = access
        self.token = token
        self.markers: dict[BroadcastId, str] = {}


class Installation:
    """``environment`` is what every program of it gets; ``dsn`` reads past all locks.

    ``database_url`` is the application's, which not every installation's programs are told.
    """

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        *,
        dsn: str,
        database_url: str,
    ) -> None:
        self.directory = directory
        self.environment = dict(environment)
        self.dsn = dsn
        own = _with_shipped_times(self.environment) | {"SKUA_DATABASE_URL": database_url}
        self.container: AsyncContainer = make_container(load(own))
        self.programs: list[Program] = []
        self.kept: list[KeptProgram] = []
        self.bots: list[ConnectedBot] = []
        self._cleanup = AsyncExitStack()

    async def close(self) -> None:
        await self._cleanup.aclose()
        for program in self.programs:
            await program.kill()
        await self.container.close()

    # Programs

    def operator(self, *arguments: str, **more: str) -> Program:
        """Does one thing and ends."""
        module = "tests.e2e.delivery.operator_program"
        return self.program("operator", [sys.executable, "-m", module, *arguments], more)

    def worker(self, name: str = "worker") -> Program:
        return self.program(name, [*SKUA, "worker"])

    def server(self, name: str = "server", *, port: int | None = None) -> Program:
        """At the public URL's port, or behind it at one of its own."""
        public = self.environment["SKUA_PUBLIC_URL"].rpartition(":")[2]
        command = [*SKUA, "serve", "--port", str(port or public)]
        return self._added(ServerProgram(name, command, self.environment, self.directory))

    def supervisor(self, port: int) -> Program:
        return self.program("supervisor", [*SKUA, "up", "--port", str(port)])

    def program(
        self, name: str, command: list[str], more: Mapping[str, str] = MappingProxyType({})
    ) -> Program:
        return self._added(Program(name, command, {**self.environment, **more}, self.directory))

    def _added(self, program: Program) -> Program:
        self.programs.append(program)
        return program

    async def start(self, program: Program, *plans: Plan) -> Program:
        """Until the test ends, which it has to do in good order."""
        await program.start(*plans)
        self._cleanup.push_async_callback(program.stop)
        return program

    async def keep(self, program: Program, plans: Iterable[Plan] = ()) -> KeptProgram:
        """Start it, and start it again whenever it dies, until the test ends."""
        kept = KeptProgram(program, plans, self.look_at_death)
        self.kept.append(kept)
        return await self._cleanup.enter_async_context(kept)

    async def look_at_death(self, death: Death) -> Death:
        """Complete it with what the ledger holds, before anybody else can take the lane."""
        row = await self.row(
            "SELECT coalesce(sum(b.pending), 0)::int AS pending,"
            " coalesce(sum(b.in_flight), 0)::int AS in_flight, count(*)::int AS lanes"
            " FROM platform.lanes l LEFT JOIN tenant.broadcasts b ON b.bot_id = l.bot_id"
            " WHERE l.holder LIKE $1",
            f"%:{death.pid}:%",
        )
        return death.with_ledger(**row)

    # What an operator does

    async def add_bot(self, token: str, *, name: str = "crash") -> ConnectedBot:
        platform = await self.container.get(PlatformStorage)
        user = await platform.ensure_user(LOGIN)
        actor = Actor(user_id=user.id, name=user.login)
        add = await self.container.get(AddBot)
        connected = await add(
            AddBotCommand(
                actor=actor, owner_id=user.id, slug=name, name=name, token=BotToken(token)
            )
        )
        bot = ConnectedBot(
            connected.bot, await enter_bot(self.container, connected.bot.slug), token
        )
        self.bots.append(bot)
        return bot

    async def subscribe(self, bot: ConnectedBot, people: range) -> None:
        take_in = await self.container.get(ImportSubscribers)
        content = _csv(people)
        report = await take_in(ImportSubscribersCommand(access=bot.access, content=content))
        assert report.added == len(people), report

    async def compose(
        self, bot: ConnectedBot, marker: str, source: MessageSource | None = None
    ) -> CampaignId:
        compose = await self.container.get(ComposeCampaign)
        if source is None:
            source = MessageSource(f'{marker}: hello {{{{ first_name | default("friend") }}}}')
        view = await compose(ComposeCampaignCommand(access=bot.access, name=marker, source=source))
        return view.campaign.id

    async def upload(self, bot: ConnectedBot, kind: MediaKind, data: bytes) -> Medium:
        upload = await self.container.get(UploadMedia)
        kept = await upload(
            UploadMediaCommand(access=bot.access, kind=kind, name="file", chunks=_one_piece(data))
        )
        return Medium(kind, upload=kept.id)

    async def broadcast(self, bot: ConnectedBot, marker: str) -> Broadcast:
        """Compose a message that begins with ``marker``, and begin to send it to everybody."""
        return await self.send(bot, marker)

    async def send(
        self,
        bot: ConnectedBot,
        marker: str,
        source: MessageSource | None = None,
        *,
        paid: bool = False,
    ) -> Broadcast:
        """The same with any message; its text has to begin with ``marker`` and a colon."""
        campaign_id = await self.compose(bot, marker, source)
        send = await self.container.get(SendBroadcast)
        broadcast = await send(
            SendBroadcastCommand(access=bot.access, campaign_id=campaign_id, paid=paid)
        )
        bot.markers[broadcast.id] = marker
        return broadcast

    async def pause(self, bot: ConnectedBot, broadcast: Broadcast) -> None:
        pause = await self.container.get(PauseBroadcast)
        await pause(PauseBroadcastCommand(access=bot.access, broadcast_id=broadcast.id))

    async def resume(self, bot: ConnectedBot, broadcast: Broadcast) -> None:
        resume = await self.container.get(ResumeBroadcast)
        await resume(ResumeBroadcastCommand(access=bot.access, broadcast_id=broadcast.id))

    async def cancel(self, bot: ConnectedBot, broadcast: Broadcast) -> None:
        cancel = await self.container.get(CancelBroadcast)
        await cancel(CancelBroadcastCommand(access=bot.access, broadcast_id=broadcast.id))

    # What is true

    async def row(self, statement: str, *arguments: object) -> asyncpg.Record:
        """One row, past all locks, on a connection of its own."""
        connection = await asyncpg.connect(self.dsn)
        try:
            row = await connection.fetchrow(statement, *arguments)
            assert row is not None, statement
            return row
        finally:
            await connection.close()

    async def books(self) -> list[BotBooks]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [
                await read_books(connection, bot.id, bot.telegram_id, bot.markers)
                for bot in self.bots
            ]
        finally:
            await connection.close()

    async def broadcast_row(self, broadcast: Broadcast) -> asyncpg.Record:
        return await self.row("SELECT * FROM tenant.broadcasts WHERE id = $1", broadcast.id)

    async def until_broadcast(
        self,
        broadcast: Broadcast,
        condition: Callable[[asyncpg.Record], bool],
        *,
        seconds: float = PATIENCE,
        pause: float = 0.02,
    ) -> asyncpg.Record:
        async def look() -> asyncpg.Record | None:
            row = await self.broadcast_row(broadcast)
            return row if condition(row) else None

        return await self.until(look, f"a broadcast {condition}", seconds=seconds, pause=pause)

    async def until(
        self,
        look: Callable[[], Awaitable[_Found | None]],
        what: str,
        *,
        seconds: float = PATIENCE,
        pause: float = 0.02,
        show_books: bool = True,
    ) -> _Found:
        """What ``look`` finds at last; a failure shows all logs."""
        deadline = time.monotonic() + seconds
        while (found := await look()) is None:
            for program in self.programs:
                program.assert_no_own_end()
            if time.monotonic() > deadline:
                books = await self.books() if show_books else []
                state = "\n".join(map(str, books))
                raise AssertionError(f"waited in vain for {what}\n{state}\n{self.tails()}")
            await asyncio.sleep(pause)
        return found

    def tails(self) -> str:
        """Who died when and where, and what everybody said last."""
        deaths = sorted((death for kept in self.kept for death in kept.deaths), key=_time_of)
        return "\n".join([*map(str, deaths), *(program.tail() for program in self.programs)])


def _with_shipped_times(environment: Mapping[str, str]) -> dict[str, str]:
    """For what an operator does: on a busy machine it may stand for seconds in a transaction.

    When a broadcast counts as unserved stays as the installation has it.
    """
    short = SHORT_LANES.keys() - {"SKUA_LANE_UNSERVED"}
    return {name: text for name, text in environment.items() if name not in short}


async def enter_bot(container: AsyncContainer, slug: str) -> BotAccess:
    platform = await container.get(PlatformStorage)
    user = await platform.ensure_user(LOGIN)
    enter = await container.get(EnterBot)
    actor = Actor(user_id=user.id, name=user.login)
    return await enter(EnterBotQuery(slug=slug, actor=actor))


def make_token(randomness: random.Random) -> str:
    letters = "".join(randomness.choices("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789_-", k=35))
    return f"{randomness.randrange(10**8, 10**9)}:{letters}"


async def _one_piece(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _time_of(death: Death) -> float:
    return death.at


async def _csv(people: range) -> AsyncIterator[bytes]:
    yield b"chat_id,first_name\n"
    for person in people:
        yield f"{person},Person {person}\n".encode()
