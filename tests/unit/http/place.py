"""The real application and the real use cases, over memory and a fake Telegram."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from dishka import AsyncContainer, Provider, Scope, make_async_container

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.bot_api.fake import FakeBotApi
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_adapters.renderer.in_process import InProcessRenderer
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_adapters.token_vault.in_memory import InMemoryTokenVault
from skua_core.domain.bot import Bot
from skua_core.domain.lane import LaneTimes
from skua_core.domain.limits import Limits
from skua_core.domain.secret import BotToken
from skua_core.domain.user import SYSTEM
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, UserId
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.accounts.bot_letters import TellTokenChanged
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.aftermath import Aftermath, HarmLimits
from skua_core.use_cases.arrivals import Arrivals
from skua_core.use_cases.bots import (
    AddBot,
    AddBotCommand,
    RemoveBot,
    RemoveBotCommand,
    RemoveToken,
    RemoveTokenCommand,
    SetToken,
    SetTokenCommand,
)
from skua_core.use_cases.intake import AuthenticateWebhook, ReceiveUpdate
from skua_core.use_cases.item_stops import PauseItem
from skua_core.use_cases.replies import Replies
from skua_core.use_cases.webhooks import UpdateRoute
from skua_http.app import create_app
from skua_http.health import QueueState, ReadinessCheck
from skua_http.settings import HttpSettings
from skua_http.webhooks.intake_gate import IntakeGate
from tests.unit.http.client import Client

PUBLIC_URL = "https://skua.example"
PELICAN = BotToken("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
PELICAN_ROTATED = BotToken("110201543:CCJfsVexEJ3xIYLzUhgqhUCu2M7RCNFucy")
HERON = BotToken("220301654:BBIerUdwDI2wHXKygTfpgTBt1L6QBMEtbx")


class Switch(ReadinessCheck):
    """Ready until it is told otherwise."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.queue = QueueState.OK
        self.delay = 0.0

    async def __call__(self) -> QueueState:
        await asyncio.sleep(self.delay)
        if self.problem is not None:
            raise self.problem
        return self.queue


class BreakableStorage(TenantStorage):
    """Memory that can be away, broken, or slow."""

    def __init__(self, memory: Memory) -> None:
        self._storage = InMemoryTenantStorage(memory, times=LaneTimes())
        self.problem: Exception | None = None
        self.next_problems: list[Exception | None] = []
        """Of the next visits, one each."""
        self.visits = 0

    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        self.visits += 1
        problem = self.next_problems.pop(0) if self.next_problems else self.problem
        if problem is not None:
            raise problem
        async with self._storage.unit(bot_id, kind) as unit:
            yield unit

    async def close(self) -> None:
        await self._storage.close()

    def cut_off(self) -> None:
        self.problem = StorageUnavailable("no connection")


class Place:
    """One installation: what it serves, and what is behind it."""

    def __init__(
        self,
        *,
        intake_limit: int = 64,
        settings: HttpSettings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.memory = Memory(self.clock)
        self.storage = BreakableStorage(self.memory)
        self.telegram = FakeBotApi()
        self.vault = InMemoryTokenVault()
        self.ready = Switch()
        self.gate = IntakeGate(intake_limit)
        self.limits = limits or Limits()
        self.route = UpdateRoute(
            storage=self.storage, bot_api=self.telegram, vault=self.vault, public_url=PUBLIC_URL
        )
        self._ids = CountedIdFactory()
        self._queue = InProcessJobQueue()
        self._update_ids = count(1)
        self.app = create_app(self._container(), settings)
        self.client = Client(self.app)

    def a_message(self, text: str = "hello") -> dict[str, Any]:
        person = {"id": 1001, "first_name": "Ana"}
        message = {
            "message_id": 1,
            "date": 1772366400,
            "chat": {**person, "type": "private"},
            "from": {**person, "is_bot": False},
            "text": text,
        }
        return {"update_id": next(self._update_ids), "message": message}

    def a_press(self) -> dict[str, Any]:
        sender = {"id": 1001, "is_bot": False, "first_name": "Ana"}
        press = {
            "id": "4382bfdwdsb323b2d9",
            "from": sender,
            "message": self.a_message()["message"],
            "chat_instance": "1",
            "data": "yes",
        }
        return {"update_id": next(self._update_ids), "callback_query": press}

    async def add_bot(self, token: BotToken | None = PELICAN) -> Bot:
        if token is not None:
            self.telegram.add_bot(token)
        add = AddBot(storage=self.storage, clock=self.clock, ids=self._ids, route=self.route)
        command = AddBotCommand(
            actor=SYSTEM, owner_id=UserId(uuid4()), slug="pelican", name="Pelican", token=token
        )
        return (await add(command)).bot

    async def rotate(self, bot: Bot, token: BotToken) -> None:
        self.telegram.add_bot(token)
        letters = LetterBox(vault=InMemoryAccountVault(), ids=self._ids)
        tell = TellTokenChanged(accounts=InMemoryAccountStorage(self.memory), letters=letters)
        use_case = SetToken(storage=self.storage, queue=self._queue, route=self.route, tell=tell)
        await use_case(SetTokenCommand(access=_access(bot), token=token))

    async def remove_token(self, bot: Bot) -> None:
        use_case = RemoveToken(storage=self.storage, vault=self.vault, route=self.route)
        await use_case(RemoveTokenCommand(access=_access(bot)))

    async def remove_bot(self, bot: Bot) -> None:
        use_case = RemoveBot(storage=self.storage, vault=self.vault, route=self.route)
        await use_case(RemoveBotCommand(access=_access(bot)))

    def webhook(self, token: BotToken = PELICAN) -> tuple[bytes, bytes]:
        """Path and secret as Telegram was told them last."""
        webhook = self.telegram.webhooks[token]
        path = webhook.url.removeprefix(PUBLIC_URL)
        return path.encode(), webhook.secret.reveal().encode()

    def updates(self, bot: Bot) -> int:
        """How many were taken in."""
        return len(self.memory.tenants[bot.id].updates.rows)

    def replies(self, bot: Bot) -> int:
        """How many are waiting to be sent."""
        return len(self.memory.tenants[bot.id].deliveries.rows)

    def set_aside(self, bot: Bot) -> list[bytes]:
        return [row.raw for row in self.memory.tenants[bot.id].updates_set_aside.rows.values()]

    def _container(self) -> AsyncContainer:
        platform = InMemoryPlatformStorage(self.memory, ids=self._ids)
        arrivals = Arrivals(
            clock=self.clock,
            ids=self._ids,
            replies=Replies(clock=self.clock, ids=self._ids, renderer=InProcessRenderer()),
        )
        aftermath = Aftermath(
            storage=self.storage,
            pause_item=PauseItem(storage=self.storage, clock=self.clock),
            limits=HarmLimits(),
        )
        authenticate = AuthenticateWebhook(
            platform=platform, storage=self.storage, vault=self.vault
        )
        receive = ReceiveUpdate(
            storage=self.storage,
            source=self.telegram,
            queue=self._queue,
            arrivals=arrivals,
            aftermath=aftermath,
        )
        provider = Provider(scope=Scope.APP)
        provider.provide(lambda: authenticate, provides=AuthenticateWebhook)
        provider.provide(lambda: receive, provides=ReceiveUpdate)
        provider.provide(lambda: self.gate, provides=IntakeGate)
        limiter = InProcessRateLimiter(self.clock)
        provider.provide(lambda: limiter, provides=RateLimiter)
        provider.provide(lambda: self.limits, provides=Limits)
        provider.provide(lambda: self.ready, provides=ReadinessCheck)
        return make_async_container(provider)


def _access(bot: Bot) -> BotAccess:
    return BotAccess(bot=bot, actor=SYSTEM)
