"""An installation in memory: every use case with its ports, and what the tests ask of it."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.bot_api.fake import FakeBotApi
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.lane_registry.in_memory import InMemoryLaneRegistry
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.renderer.in_process import InProcessRenderer
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_adapters.token_vault.in_memory import InMemoryTokenVault
from skua_core.domain.audit import AuditEntry
from skua_core.domain.bot import Bot
from skua_core.domain.content import ButtonRows, MessageSource
from skua_core.domain.lane import LaneTimes
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import ChatKind, Subscriber
from skua_core.domain.user import Actor, User
from skua_core.errors import QueueUnavailable
from skua_core.ids import BotId, ChatId, SubscriberId
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.repositories import BotSecrets, SubscriberFilter
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess, EnterBot, EnterBotQuery
from skua_core.use_cases.accounts.bot_letters import TellTokenChanged
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.aftermath import Aftermath, HarmLimits
from skua_core.use_cases.arrivals import Arrivals
from skua_core.use_cases.bots import AddBot, AddBotCommand
from skua_core.use_cases.campaigns import CampaignView, ComposeCampaign, ComposeCampaignCommand
from skua_core.use_cases.intake import ReceiveUpdate
from skua_core.use_cases.item_stops import PauseItem
from skua_core.use_cases.replies import Replies
from skua_core.use_cases.tokens import TokenFailed
from skua_core.use_cases.webhooks import UpdateRoute

TOKEN = BotToken("123456789:AAAAAAAAAAbbbbbbbbbbCCCCCCCCCCddddd")
NEXT_TOKEN = BotToken("123456789:EEEEEEEEEEffffffffffGGGGGGGGGGhhhhh")
FOREIGN_TOKEN = BotToken("987654321:AAAAAAAAAAbbbbbbbbbbCCCCCCCCCCddddd")
PUBLIC_URL = "https://skua.example.org/hooks"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


class RecordingJobQueue(JobQueue):
    def __init__(self) -> None:
        self.woken: list[BotId] = []
        self.problem: QueueUnavailable | None = None

    async def wake(self, bot_id: BotId) -> None:
        self.woken.append(bot_id)

    def nudges(self) -> AsyncIterator[BotId]:
        raise NotImplementedError("nobody listens here")

    def jobs(self) -> AsyncGenerator[BotId]:
        raise NotImplementedError("nobody works here")

    async def check(self) -> None:
        if self.problem is not None:
            raise self.problem

    async def close(self) -> None:
        """Nothing to let go."""


class World:
    def __init__(self, *, public_url: str | None = PUBLIC_URL) -> None:
        self.clock = FrozenClock(START)
        self.ids = CountedIdFactory(START)
        self.memory = Memory(self.clock, lock_timeout=0.05)
        times = LaneTimes()
        self.storage = InMemoryTenantStorage(self.memory, times=times)
        self.platform = InMemoryPlatformStorage(self.memory, ids=self.ids)
        self.lanes = InMemoryLaneRegistry(self.memory, times=times)
        self.queue = RecordingJobQueue()
        self.vault = InMemoryTokenVault()
        self.renderer = InProcessRenderer()
        self.api = FakeBotApi()
        self.api.add_bot(TOKEN, username="gull_bot")
        self.accounts = InMemoryAccountStorage(self.memory)
        self.account_vault = InMemoryAccountVault()
        self.letters = LetterBox(vault=self.account_vault, ids=self.ids)
        self.tell_token_changed = TellTokenChanged(accounts=self.accounts, letters=self.letters)
        self.token_failed = TokenFailed(storage=self.storage, clock=self.clock)
        self.route = self.route_for(public_url)
        self.replies = Replies(clock=self.clock, ids=self.ids, renderer=self.renderer)
        self.receive = ReceiveUpdate(
            storage=self.storage,
            source=self.api,
            queue=self.queue,
            arrivals=Arrivals(clock=self.clock, ids=self.ids, replies=self.replies),
            aftermath=Aftermath(
                storage=self.storage,
                pause_item=PauseItem(storage=self.storage, clock=self.clock),
                limits=HarmLimits(share=0.25, after=4),
            ),
        )

    def route_for(self, public_url: str | None) -> UpdateRoute:
        return UpdateRoute(
            storage=self.storage, bot_api=self.api, vault=self.vault, public_url=public_url
        )

    async def owner(self) -> User:
        return await self.platform.ensure_user("cli:ana")

    async def actor(self) -> Actor:
        owner = await self.owner()
        return Actor(user_id=owner.id, name=owner.login, ip="192.0.2.7", user_agent="tests")

    async def add_bot(self, token: BotToken | None = TOKEN, *, slug: str = "gulls") -> BotAccess:
        actor = await self.actor()
        assert actor.user_id is not None
        add_bot = AddBot(storage=self.storage, clock=self.clock, ids=self.ids, route=self.route)
        connected = await add_bot(
            AddBotCommand(actor=actor, owner_id=actor.user_id, slug=slug, name="Gulls", token=token)
        )
        return await self.enter(connected.bot.slug)

    async def enter(self, slug: str) -> BotAccess:
        return await EnterBot(platform=self.platform)(
            EnterBotQuery(slug=slug, actor=await self.actor())
        )

    async def compose(
        self, access: BotAccess, text: str = "Hello", *, buttons: ButtonRows = ()
    ) -> CampaignView:
        compose = ComposeCampaign(
            storage=self.storage, renderer=self.renderer, clock=self.clock, ids=self.ids
        )
        return await compose(
            ComposeCampaignCommand(
                access=access, name="Greeting", source=MessageSource(text, buttons=buttons)
            )
        )

    async def join(self, access: BotAccess, *chats: int) -> None:
        """These people become subscribers, as an import makes them."""
        async with self.storage.unit(access.bot_id, UnitKind.INBOUND) as unit:
            for chat in chats:
                await unit.subscribers.save(a_subscriber(self, chat))
            await unit.commit()

    async def bot(self, access: BotAccess) -> Bot:
        async with self.storage.unit(access.bot_id) as unit:
            return await unit.bot.get()

    async def secrets(self, access: BotAccess) -> BotSecrets:
        async with self.storage.unit(access.bot_id) as unit:
            return await unit.bot.secrets()

    async def subscriber(self, access: BotAccess, chat: int) -> Subscriber | None:
        async with self.storage.unit(access.bot_id) as unit:
            return await unit.subscribers.by_chat(ChatId(chat))

    async def subscribers(self, access: BotAccess) -> Sequence[Subscriber]:
        async with self.storage.unit(access.bot_id) as unit:
            return await unit.subscribers.page(SubscriberFilter(), after=None, limit=100_000)

    async def audit(self, access: BotAccess) -> Sequence[AuditEntry]:
        async with self.storage.unit(access.bot_id) as unit:
            return await unit.audit.read()

    async def actions(self, access: BotAccess) -> list[str]:
        return [entry.action for entry in await self.audit(access)]


def a_subscriber(world: World, chat: int) -> Subscriber:
    return Subscriber.newcomer(
        SubscriberId(world.ids.new()),
        ChatId(chat),
        kind=ChatKind.PRIVATE,
        joined_at=world.clock.now(),
    )


def details_of(entry: AuditEntry) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(entry.details)
    return decoded
