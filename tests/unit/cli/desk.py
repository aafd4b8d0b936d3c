"""Somebody at a keyboard, with an installation in memory behind the command."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from click.testing import CliRunner, Result
from dishka import Provider, Scope, provide

from skua_adapters.media_store.in_memory import InMemoryMediaStore
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_app.cli.root import cli
from skua_app.cli.surroundings import Reached, Surroundings
from skua_app.container import make_container
from skua_app.settings import Settings, load
from skua_core.domain.delivery import DeliveryStatus, Reason, Settlement
from skua_core.domain.lane import ClaimOrder
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.account_vault import AccountVault
from skua_core.ports.bot_api import BotApi
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.media_store import MediaStore
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.platform_storage import LaneRegistry, PlatformStorage
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.intake import ReceiveUpdateCommand
from skua_core.use_cases.webhooks import UpdateRoute
from tests.unit.use_cases.updates import message, raw
from tests.unit.use_cases.world import TOKEN, World

_UPDATES = count(1)
LIST = b"chat_id,first_name\n1,Ana\n2,Ben\n3,Cleo\n"


class InMemory(Provider):
    """Stands in for every port."""

    scope = Scope.APP

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @provide(override=True)
    def tenants(self) -> TenantStorage:
        return self._world.storage

    @provide(override=True)
    def accounts(self) -> AccountStorage:
        return self._world.accounts

    @provide(override=True)
    def account_vault(self) -> AccountVault:
        return self._world.account_vault

    @provide(override=True)
    def hasher(self) -> PasswordHasher:
        return FakePasswordHasher()

    @provide(override=True)
    def platform(self) -> PlatformStorage:
        return self._world.platform

    @provide(override=True)
    def lanes(self) -> LaneRegistry:
        return self._world.lanes

    @provide(override=True)
    def queue(self) -> JobQueue:
        return self._world.queue

    @provide(override=True)
    def bot_api(self) -> BotApi:
        return self._world.api

    @provide(override=True)
    def vault(self) -> TokenVault:
        return self._world.vault

    @provide(override=True)
    def renderer(self) -> Renderer:
        return self._world.renderer

    @provide(override=True)
    def media_store(self) -> MediaStore:
        return InMemoryMediaStore(self._world.memory)

    @provide(override=True)
    def clock(self) -> Clock:
        return self._world.clock

    @provide(override=True)
    def ids(self) -> IdFactory:
        return self._world.ids

    @provide(override=True)
    def route(self) -> UpdateRoute:
        return self._world.route


class Kept:
    """A container that outlives a command: making one takes longer than most commands."""

    def __init__(self, world: World) -> None:
        self._container = make_container(load({}), more=(InMemory(world),))

    async def get(self, dependency_type: Any) -> Any:
        return await self._container.get(dependency_type)

    async def close(self) -> None:
        """It holds nothing that would have to be let go."""


class Desk:
    def __init__(self, world: World, environ: Mapping[str, str] | None = None) -> None:
        self.world = world
        self.alone = True
        """Whether the command is the only one that uses the database, and so nobody sends."""
        container = Kept(world)
        self.surroundings = Surroundings(
            environ={} if environ is None else environ,
            user="ana",
            reach=self._reach,
            container=lambda _settings: container,
        )

    def run(self, *arguments: str, typed: str | bytes = "") -> Result:
        """What ``skua`` does with these words; nobody sits at a terminal."""
        return CliRunner().invoke(cli, arguments, input=typed, obj=self.surroundings)

    def objects(self, *arguments: str, typed: str | bytes = "") -> list[dict[str, Any]]:
        """The JSON objects it prints."""
        result = self.run(*arguments, "--json", typed=typed)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def become(self, user: str) -> None:
        self.surroundings = replace(self.surroundings, user=user)

    # What is prepared for a test

    def add_bot(self, slug: str = "gulls") -> str:
        (bot,) = self.objects("bot", "add", slug, typed=TOKEN.reveal())
        return str(bot["slug"])

    def add_subscribers(self, content: bytes = LIST) -> None:
        assert self.run("subscribers", "import", "-", typed=content).exit_code == 0

    def send(self, text: str = "Hello") -> str:
        (sent,) = self.objects("broadcast", "send", "--text", text)
        return str(sent["broadcast"])

    def press_start(self, chat: int, payload: str) -> None:
        """Somebody opens a deep link of the bot's."""
        at = int(self.world.clock.now().timestamp())
        update = message(next(_UPDATES), chat, f"/start {payload}", at=at)
        bot_id = next(iter(self.world.memory.bots.rows))
        asyncio.run(self.world.receive(ReceiveUpdateCommand(bot_id=bot_id, raw=raw(update))))

    def deliver(self, outcomes: Mapping[int, tuple[DeliveryStatus, Reason | None]]) -> None:
        """A worker takes the lane and sends the broadcast; by chat what isn't simply sent."""
        asyncio.run(self._deliver(outcomes))

    async def _deliver(self, outcomes: Mapping[int, tuple[DeliveryStatus, Reason | None]]) -> None:
        bot_id = next(iter(self.world.memory.bots.rows))
        async with self.world.storage.unit(bot_id, UnitKind.LANE) as unit:
            (begun,) = await unit.broadcasts.page(before=None, limit=1)
            await unit.deliveries.freeze(begun.id)
            await unit.commit()
        async with self.world.storage.unit(bot_id, UnitKind.LANE) as unit:
            acquired = await unit.lane.acquire("worker-1")
            assert acquired is not None
            order = ClaimOrder(room=100, direct_room=100)
            claim = await unit.lane.claim(acquired.lease, order)
            settlements = []
            for delivery in claim.deliveries:
                status, reason = outcomes.get(delivery.chat_id, (DeliveryStatus.SENT, None))
                settlements.append(
                    Settlement(
                        key=delivery.key,
                        attempt=delivery.attempt,
                        subscriber_id=delivery.subscriber_id,
                        status=status,
                        reason=reason,
                        started_at=self.world.clock.now(),
                    )
                )
            await unit.commit()
        async with self.world.storage.unit(bot_id, UnitKind.LANE) as unit:
            await unit.lane.settle(acquired.lease, settlements)
            await unit.lane.claim(acquired.lease, order)
            await unit.commit()

    @contextmanager
    def _reach(self, settings: Settings) -> Iterator[Reached]:
        yield Reached(settings=settings, alone=self.alone)
