"""What happens in the demo, from the first start to the report."""

import asyncio
import contextlib
import os
import random
import secrets
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from dishka import AsyncContainer

from skua_adapters.telegram_simulator import (
    LatencySettings,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    TelegramSimulator,
    WebhookSettings,
)
from skua_app.container import make_container
from skua_app.demo.result import DemoResult
from skua_app.demo.view import DemoView
from skua_app.settings import Settings
from skua_app.supervisor import Supervisor
from skua_core.domain.content import MessageSource
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.domain.user import Actor
from skua_core.ids import BroadcastId
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.audit import VerifyAudit, VerifyAuditQuery
from skua_core.use_cases.bots import AddBot, AddBotCommand
from skua_core.use_cases.broadcast_reports import (
    BroadcastProgress,
    BroadcastReportQuery,
    GetBroadcastReport,
    WatchBroadcast,
    WatchBroadcastQuery,
)
from skua_core.use_cases.broadcasts import SendBroadcast, SendBroadcastCommand
from skua_core.use_cases.campaigns import ComposeCampaign, ComposeCampaignCommand
from skua_core.use_cases.subscribers import CountSubscribers, CountSubscribersQuery

MESSAGE = (
    "<b>Good morning, {{ first_name | default('friend') }}!</b>\n"
    "The skuas are back on the island. <i>Come and see them</i> before the snow does."
)
_FIRST_USER = 5_000_000_001
_JOINS_PER_SECOND = 250
_LEFT_BEFORE = 0.03
"""Share of the subscribers who block the bot before the broadcast."""
_LEFT_MEANWHILE = 0.02
_GONE = 0.01
"""Share whose accounts are deleted, which Telegram tells nobody."""
_LEAVE_AT = 0.2
_CHAOS_AT = (0.15, 0.4, 0.65)


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    recipients: int = 1000
    paid: bool = False
    chaos: bool = False
    port: int = 0
    login: str = "cli:demo"
    """Whose bot it is, so that the command finds it afterwards."""
    seed: int = 1


class Demo:
    """One run, over an installation whose database is up."""

    def __init__(self, settings: Settings, options: DemoOptions, view: DemoView) -> None:
        self._settings = settings
        self._options = options
        self._view = view
        self._random = random.Random(options.seed)  # noqa: S311 - who leaves, not a secret
        self._child: int | None = None
        self._children = 0
        self._bot_number = 7_000_000_000 + secrets.randbelow(1_000_000_000)

    async def run(self, port: int) -> DemoResult:
        """``port`` is where Skua takes Telegram's calls."""
        token = f"{self._bot_number}:{secrets.token_urlsafe(26)}"
        book = self._settings.skua_data_dir / f"receipts-{self._bot_number}.jsonl"
        self._view.stage(
            "Starting a simulated Telegram, strict and limited to 30 messages a second"
        )
        async with TelegramSimulator(self._simulator(token, book)) as telegram:
            settings = msgspec.structs.replace(
                self._settings,
                skua_telegram_api_base=telegram.base_url,
                skua_public_url=f"http://127.0.0.1:{port}",
            )
            self._view.stage("Starting Skua: server and worker in one process")
            async with self._supervised(settings, port), _container(settings) as container:
                return await self._play(container, telegram, BotToken(token), book)

    def _simulator(self, token: str, book: Path) -> SimulatorSettings:
        return SimulatorSettings(
            seed=self._options.seed,
            receipt_book=book,
            limits=RateLimitSettings(),
            latency=LatencySettings(mean=0.08, deviation=0.02),
            webhooks=WebhookSettings(allow_local=True),
            bots=(
                NewBot(
                    token=token,
                    username=f"skua_demo_{self._bot_number}_bot",
                    first_name="Skua demo",
                    paid_broadcasts=self._options.paid,
                ),
            ),
        )

    @asynccontextmanager
    async def _supervised(self, settings: Settings, port: int) -> AsyncIterator[None]:
        stop = asyncio.Event()
        supervisor = Supervisor(settings, host="127.0.0.1", port=port, started=self._started)
        async with asyncio.TaskGroup() as tasks:  # ends the demo when the supervisor gives up
            tasks.create_task(supervisor.run(stop))
            try:
                await _answering(port)
                yield
            finally:
                stop.set()

    async def _started(self, pid: int) -> None:
        self._child = pid
        self._children += 1
        if self._children > 1:
            self._view.restarted(pid)

    async def _play(
        self, container: AsyncContainer, telegram: TelegramSimulator, token: BotToken, book: Path
    ) -> DemoResult:
        access = await self._connect(container, token)
        users = await self._gather(container, telegram, access)
        before = round(len(users) * _LEFT_BEFORE)
        leaving = self._leave(telegram, users)
        await self._until_left(container, access, before)
        self._view.stage("Sending a broadcast, personalised for each of them")
        began = time.monotonic()
        broadcast_id = await self._send(container, access)
        watching = await container.get(WatchBroadcast)
        kills = iter(_CHAOS_AT if self._options.chaos else ())
        next_kill = next(kills, None)
        query = WatchBroadcastQuery(access=access, broadcast_id=broadcast_id, interval=0.25)
        async for progress in watching(query):
            self._view.progress(progress)
            done = _share_done(progress)
            if done >= _LEAVE_AT:
                for user in leaving:
                    telegram.people.block(self._bot_number, user)
            if next_kill is not None and done >= next_kill:
                next_kill = next(kills, None)
                self._kill()
        report = await (await container.get(GetBroadcastReport))(
            BroadcastReportQuery(access=access, broadcast_id=broadcast_id)
        )
        entries = await (await container.get(VerifyAudit))(VerifyAuditQuery(bot_id=access.bot.id))
        duplicates = len(telegram.book.duplicates(bot_id=self._bot_number))
        result = DemoResult.of(report, duplicates=duplicates, seconds=time.monotonic() - began)
        self._view.finished(
            report, result, slug=access.bot.slug, audit_entries=entries, receipts=book
        )
        return result

    async def _connect(self, container: AsyncContainer, token: BotToken) -> BotAccess:
        platform = await container.get(PlatformStorage)
        user = await platform.ensure_user(self._options.login)
        actor = Actor(user_id=user.id, name=user.login)
        add = await container.get(AddBot)
        connected = await add(
            AddBotCommand(actor=actor, owner_id=user.id, slug="demo", name="Skua demo", token=token)
        )
        if connected.webhook_problem is not None:
            raise connected.webhook_problem
        self._view.stage(f"Connected @{connected.bot.telegram_username}: token checked and sealed")
        return BotAccess(bot=connected.bot, actor=actor)

    async def _gather(
        self, container: AsyncContainer, telegram: TelegramSimulator, access: BotAccess
    ) -> range:
        total = self._options.recipients
        self._view.stage(f"{total:,} people press Start; each arrives through the webhook")
        users = range(_FIRST_USER, _FIRST_USER + total)
        telegram.world.add_users(users)
        joining = asyncio.create_task(
            telegram.joins.run(self._bot_number, users, rate=_JOINS_PER_SECOND, payload="demo")
        )
        count = await container.get(CountSubscribers)
        joined = 0
        while joined < total:
            joined = sum((await count(CountSubscribersQuery(access=access))).values())
            self._view.joining(joined, total)
            await asyncio.sleep(0.2)
        await joining
        return users

    def _leave(self, telegram: TelegramSimulator, users: range) -> Iterator[int]:
        """Some block the bot now, some accounts vanish in silence; the rest that will, later."""
        number = len(users)
        leaving = self._random.sample(
            users, round(number * (_LEFT_BEFORE + _LEFT_MEANWHILE + _GONE))
        )
        before, gone = round(number * _LEFT_BEFORE), round(number * _GONE)
        for user in leaving[:before]:
            telegram.people.block(self._bot_number, user)
        for user in leaving[before : before + gone]:
            telegram.people.deactivate(user)
        return iter(leaving[before + gone :])

    async def _until_left(
        self, container: AsyncContainer, access: BotAccess, expected: int
    ) -> None:
        count = await container.get(CountSubscribers)
        while True:
            counts = await count(CountSubscribersQuery(access=access))
            if counts.get(SubscriberStatus.BLOCKED, 0) >= expected:
                break
            await asyncio.sleep(0.1)
        self._view.stage(f"{expected:,} of them block the bot before it begins")

    async def _send(self, container: AsyncContainer, access: BotAccess) -> BroadcastId:
        compose = await container.get(ComposeCampaign)
        view = await compose(
            ComposeCampaignCommand(
                access=access, name="The skuas are back", source=MessageSource(MESSAGE)
            )
        )
        send = await container.get(SendBroadcast)
        broadcast = await send(
            SendBroadcastCommand(
                access=access, campaign_id=view.campaign.id, paid=self._options.paid
            )
        )
        return broadcast.id

    def _kill(self) -> None:
        if self._child is None:
            return
        pid, self._child = self._child, None
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self._view.killed(pid)


def _share_done(progress: BroadcastProgress) -> float:
    counts = progress.broadcast.counts
    return (counts.total - counts.open) / counts.total if counts.total else 0.0


@asynccontextmanager
async def _container(settings: Settings) -> AsyncIterator[AsyncContainer]:
    container = make_container(settings)
    try:
        yield container
    finally:
        await container.close()


async def _answering(port: int) -> None:
    """Wait until the child listens."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
