"""The simulator as one thing to start: in this process, or as the whole program."""

import asyncio
import errno
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from .control import Control
from .control_content import ContentControl
from .errors import SimulatorAddressTaken
from .faults import FaultPlan
from .joins import Joins
from .latency import Latency
from .limits import RateLimits
from .methods import BotApi
from .people import People
from .receipts import ReceiptBook, ReceiptWriter
from .server import BotApiServer
from .settings import SimulatorSettings
from .world import World

_PATIENCE_AT_THE_END = 0.1
"""Seconds that open requests, which may hang on purpose, get to finish."""
_BACKLOG = 1024
"""Connections that may come at once, as those of a sender's whole window do."""
_LARGEST_TEXTS = 16 * 1024 * 1024
"""Bytes of a request that aren't in its files."""


class TelegramSimulator:
    """A Telegram of one's own: ``async with TelegramSimulator(settings) as simulator``.

    Bots are reached at ``base_url``; what people do in it is ``people``, who there is ``world``.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        seed = self.settings.seed
        self.world = World(seed=seed, remembered_messages=self.settings.remembered_messages)
        for bot in self.settings.bots:
            self.world.add_bot(bot)
        self.people = People(self.world)
        self.joins = Joins(self.people)
        self.limits = RateLimits(self.settings.limits)
        self.faults = FaultPlan(self.settings.faults, seed=seed)
        self.latency = Latency(self.settings.latency, seed=seed)
        self.port = self.settings.port

    @property
    def base_url(self) -> str:
        """Without a slash at its end; a bot's methods are at ``{base_url}/bot{token}/{method}``."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    @property
    def book(self) -> ReceiptBook:
        """What has arrived so far."""
        return self._receipts.book()

    async def start(self) -> None:
        """Raises ``SimulatorAddressTaken`` and ``ReceiptBookUnfit``."""
        self._receipts = ReceiptWriter(self.settings.receipt_book)
        largest_upload = self.settings.media.largest_upload
        self._api = BotApi(
            self.world,
            self.limits,
            self.settings.webhooks,
            self.settings.media,
            seed=self.settings.seed,
        )
        server = BotApiServer(
            world=self.world,
            api=self._api,
            limits=self.limits,
            faults=self.faults,
            latency=self.latency,
            receipts=self._receipts,
            largest_upload=largest_upload,
        )
        app = web.Application(client_max_size=largest_upload + _LARGEST_TEXTS)
        for verb in ("GET", "POST"):
            app.router.add_route(verb, "/bot{token}/{method}", server.handle)
        Control(
            world=self.world,
            people=self.people,
            joins=self.joins,
            limits=self.limits,
            faults=self.faults,
            latency=self.latency,
        ).add_routes(app.router)
        ContentControl(self.world, self.people).add_routes(app.router)
        # No access log: its lines would hold tokens.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_PATIENCE_AT_THE_END)
        await self._runner.setup()
        try:
            await self._listen()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self.joins.close()
        await self._api.close()
        await self._runner.cleanup()
        self._receipts.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _listen(self) -> None:
        host, port = self.settings.host, self.settings.port
        try:
            await web.TCPSite(self._runner, host, port, backlog=_BACKLOG).start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SimulatorAddressTaken(host, port) from error
            raise
        self.port = self._runner.addresses[0][1]


async def serve(settings: SimulatorSettings, on_ready: Callable[[TelegramSimulator], None]) -> None:
    """Run until cancelled. Raises what ``TelegramSimulator.start`` raises."""
    async with TelegramSimulator(settings) as simulator:
        on_ready(simulator)
        await asyncio.Event().wait()
