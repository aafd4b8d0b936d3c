"""Does what the plan says, when it says so, and keeps count."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from skua_core.domain.broadcast import Broadcast
from tests.e2e.delivery.installation import ConnectedBot
from tests.e2e.delivery.programs import KeptProgram
from tests.e2e.delivery.telegram import SimulatedTelegram
from tests.e2e.torture.database import CrashableDatabase
from tests.e2e.torture.operators import Operators
from tests.e2e.torture.plan import DATABASE, GATES, QUEUE, Act, Disturbance, TorturePlan
from tests.e2e.torture.queue_server import DisturbedRedis

_LOOK = 0.05
_READY = "Ctrl-C stops it."
"""What a server or a worker says when it begins to do something."""


class Troubles:
    """What happens to one installation; each in a task of its own."""

    def __init__(
        self,
        plan: TorturePlan,
        *,
        programs: Mapping[str, KeptProgram],
        database: CrashableDatabase,
        queue: DisturbedRedis,
        telegram: SimulatedTelegram,
        operators: Operators,
        bots: Sequence[tuple[ConnectedBot, Sequence[int], Broadcast]],
        young: float,
    ) -> None:
        """``young`` is for how many seconds a program is spared once it does something."""
        self._plan = plan
        self._programs = programs
        self._database = database
        self._queue = queue
        self._telegram = telegram
        self._operators = operators
        self._bots = bots
        self._server_falls = asyncio.Lock()
        self._turns = {name: asyncio.Lock() for name in programs}
        self._young = young
        self.done = Counter[Act]()
        self.frozen: dict[int, float] = defaultdict(float)
        """Seconds that each process stood still."""
        self.said: Counter[int] = Counter()
        """Updates that people caused, by bot."""

    async def happen(self) -> None:
        """Until the last one is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for each in self._plan.disturbances:
                await asyncio.sleep(max(0.0, began + each.at - time.monotonic()))
                tasks.create_task(self._do(each))

    async def _do(self, each: Disturbance) -> None:
        if each.act is Act.KILL:
            async with self._turns[each.target]:
                await self._kill(self._programs[each.target])
        elif each.act is Act.FREEZE:
            await self._freeze(self._programs[each.target], each.seconds)
        elif each.act in DATABASE:
            await self._fell_database(each)
        elif each.act in QUEUE:
            await self._queue.disturb(each.act, each.seconds)
        elif not await self._on_bot(each):
            return
        self.done[each.act] += 1

    async def _kill(self, kept: KeptProgram) -> None:
        """Once it does something, however long this machine takes to begin a program."""
        life = await self._until_ready(kept)
        await asyncio.sleep(self._young)
        if kept.lives != life:
            # Something else ended it meanwhile: take the next one.
            await self._until_ready(kept)
        life = kept.lives
        kept.kill("from outside")
        while kept.lives == life:  # noqa: ASYNC110 - a process's rebirth
            await asyncio.sleep(_LOOK)

    async def _until_ready(self, kept: KeptProgram) -> int:
        while not (kept.program.alive and kept.program.has_said(_READY)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(_LOOK)
        return kept.lives

    async def _freeze(self, kept: KeptProgram, seconds: float) -> None:
        while not kept.program.alive:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_LOOK)
        pid = kept.program.pid
        self.frozen[pid] += seconds
        # It may end in this very moment, and when it shall thaw another may live in its place.
        with contextlib.suppress(ProcessLookupError):
            kept.program.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            if kept.program.alive and kept.program.pid == pid:
                kept.program.send(signal.SIGCONT)

    async def _fell_database(self, each: Disturbance) -> None:
        async with self._server_falls:
            if each.act is Act.DATABASE_BACKEND:
                await self._database.kill_connection()
                return
            kill = each.act is Act.DATABASE_KILL
            await self._database.fall(signal.SIGKILL if kill else signal.SIGQUIT, each.seconds)

    async def _on_bot(self, each: Disturbance) -> bool:
        bot, people, broadcast = self._bots[each.bot]
        if each.act in GATES:
            return await self._operators.shut_and_open(each.act, bot, broadcast, each.seconds)
        if each.act is Act.CANCEL:
            return await self._operators.cancel(bot, broadcast)
        if each.act is Act.THROTTLE:
            await self._telegram.throttle(bot.telegram_id, max(1, round(each.seconds)))
        else:
            draw = random.Random(f"{self._plan.seed}:{each.bot}")  # noqa: S311 - repeatable
            self.said[bot.telegram_id] += await self._operators.chatter(bot, people, draw)
        return True
