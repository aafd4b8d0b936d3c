"""One run: set an installation up, let everything happen to it, wait for the end, and judge."""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg

from skua_adapters._keys.ring import make_key
from skua_core.faults import FaultAction
from tests.e2e.delivery.installation import Installation, make_token
from tests.e2e.delivery.programs import Death, KeptProgram, Plan, Program, free_port
from tests.e2e.torture.balancer import Balancer
from tests.e2e.torture.database import AWAY, CrashableDatabase
from tests.e2e.torture.operators import Journal, Operators
from tests.e2e.torture.plan import (
    OPERATOR_POINTS,
    Lives,
    TorturePlan,
    make_lives,
    make_plan,
    server_names,
    worker_names,
)
from tests.e2e.torture.queue_server import DisturbedRedis
from tests.e2e.torture.scale import Scale
from tests.e2e.torture.setting import Sending, begin_broadcasts, simulate_busy_telegram
from tests.e2e.torture.troubles import Troubles
from tests.e2e.torture.verdict import Evidence, Verdict, faults, outcomes
from tests.e2e.torture.witness import Witness

Tell = Callable[[str], None]

SKEWS = {"worker1": 7200, "worker2": -7200}
"""Seconds by which the clocks of some workers' hosts are wrong."""
_TELL_EVERY = 5.0
_LOOK = 0.5
_OPEN = "SELECT count(*) FROM tenant.deliveries WHERE status IN ('pending', 'in_flight')"
_UNFINISHED = "SELECT count(*) FROM tenant.broadcasts WHERE finished_at IS NULL"
_PROGRESS = """
    SELECT sum(sent)::int AS sent, sum(uncertain)::int AS uncertain,
        sum(pending + in_flight)::int AS open
    FROM tenant.broadcasts
"""


class Torture:
    """``directory`` takes logs and receipts, ``database_directory`` the server's files."""

    def __init__(
        self,
        seed: int,
        scale: Scale,
        *,
        directory: Path,
        database_directory: Path,
        bin_dir: Path | None = None,
        tell: Tell,
    ) -> None:
        self.plan: TorturePlan = make_plan(seed, scale)
        self._lives: Mapping[str, Lives] = make_lives(seed, scale)
        self._seed, self._scale = seed, scale
        self._directory = directory
        self._database = CrashableDatabase(database_directory, bin_dir=bin_dir)
        self._redis = DisturbedRedis(directory)
        self._tell = tell
        self._draw = random.Random(f"{seed}:run")  # noqa: S311 - repeatable, nothing secret
        self._stack = AsyncExitStack()
        self._kept: dict[str, KeptProgram] = {}
        self._deaths: list[Death] = []
        self._slowed: dict[int, float] = {}
        self._journal = Journal()

    async def run(self) -> Verdict:
        began = time.monotonic()
        async with self._stack:
            await self._stack.enter_async_context(self._database)
            await self._stack.enter_async_context(self._redis)
            self._tell(f"PostgreSQL {await self._database.version()}; {self.plan}")
            tokens = [make_token(self._draw) for _ in range(self._scale.bots)]
            telegram = simulate_busy_telegram(tokens, seed=self._seed, directory=self._directory)
            self._telegram = await self._stack.enter_async_context(telegram)
            self._installation = self._install()
            self._stack.push_async_callback(self._installation.close)
            bots = await begin_broadcasts(
                self._installation, self._telegram, tokens, people=self._scale.people
            )
            await self._kill_operators(bots)
            self._witness = await self._stack.enter_async_context(Witness(self._database.dsn))
            await self._start_programs()
            self._tell(f"ready after {time.monotonic() - began:.0f} s")
            unfinished = await self._torment(bots)
            await self._witness.look()
            evidence = await self._evidence()
        return self._judge(evidence, unfinished, time.monotonic() - began)

    # Setting up

    def _install(self) -> Installation:
        self._public_port = free_port()
        environment = {
            **self._scale.lanes,
            "WEB_SECRET_KEY": make_key(),
            "SKUA_DATABASE_URL": self._database.url,
            "SKUA_REDIS_URL": self._redis.url,
            "SKUA_TELEGRAM_API_BASE": self._telegram.base_url,
            "SKUA_PUBLIC_URL": f"http://127.0.0.1:{self._public_port}",
            "SKUA_SEND_RATE": str(self._scale.rate),
        }
        return Installation(
            self._directory,
            environment,
            dsn=self._database.dsn,
            database_url=self._database.url,
        )

    async def _kill_operators(self, bots: Sequence[Sending]) -> None:
        """Their commands end where only a command passes; what they began is finished or undone."""
        audit, token = OPERATOR_POINTS
        (paused, _, broadcast), (renewed, _, _) = bots[0], bots[1]
        operator = self._installation.operator
        commands = [
            (operator("pause", paused.slug, str(broadcast.id)), audit),
            (operator("set-token", renewed.slug, SKUA_TEST_TOKEN=renewed.token), token),
        ]
        for program, point in commands:
            await program.start(Plan(point))
        for program, point in commands:
            self._deaths.append(program.death(point, await program.ended()))
        self._journal.note(renewed.id, "bot.token_set", least=1, most=1)

    async def _start_programs(self) -> None:
        ports = {name: free_port() for name in server_names(self._scale)}
        balancer = Balancer(self._public_port, list(ports.values()))
        await self._stack.enter_async_context(balancer)
        for name, port in ports.items():
            await self._keep(self._installation.server(name, port=port))
        for name in worker_names(self._scale):
            await self._keep(self._worker(name))

    def _worker(self, name: str) -> Program:
        skew = SKEWS.get(name)
        if skew is None:
            return self._installation.worker(name)
        module = "tests.e2e.torture.skewed_worker"
        return self._installation.program(name, [sys.executable, "-m", module, str(skew)])

    async def _keep(self, program: Program) -> None:
        kept = KeptProgram(program, self._lives[program.name], self._see_death)
        self._kept[program.name] = await self._stack.enter_async_context(kept)

    async def _see_death(self, death: Death) -> Death:
        if death.code == -signal.SIGKILL:
            self._lives[death.program].ended_at(death.cause)
        plan = self._kept[death.program].plan
        if plan.action is FaultAction.SLEEP:
            self._slowed[death.pid] = plan.seconds
        try:
            async with asyncio.timeout(1):
                seen = await self._installation.look_at_death(death)
        except AWAY:
            seen = death
        self._deaths.append(seen)
        return seen

    # While it happens

    async def _torment(self, bots: Sequence[Sending]) -> list[str]:
        """What wasn't finished in time."""
        operators = Operators(self._installation, self._telegram, self._witness, self._journal)
        self._troubles = Troubles(
            self.plan,
            programs=self._kept,
            database=self._database,
            queue=self._redis,
            telegram=self._telegram,
            operators=operators,
            bots=bots,
            young=self._scale.heartbeat * 5,
        )
        telling = asyncio.create_task(self._tell_progress())
        try:
            async with asyncio.timeout(self._scale.limit):
                await self._until_messages_leave()
                await self._troubles.happen()
                self._tell("all disturbances are over; waiting for the last outcome")
                while await self._something_is_open(bots):  # noqa: ASYNC110 - other processes' doing
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            return [f"not at an end after {self._scale.limit:.0f} s"]
        finally:
            telling.cancel()
        return []

    async def _until_messages_leave(self) -> None:
        """On a busy machine the programs need a while to begin."""
        while (await self._installation.row(_PROGRESS))["sent"] < self._scale.bots:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)

    async def _something_is_open(self, bots: Sequence[Sending]) -> bool:
        for name, kept in self._kept.items():
            if kept.failure is not None:
                raise RuntimeError(f"{name} can't be kept") from kept.failure
        try:
            connection = await asyncpg.connect(self._database.dsn, timeout=2)
        except AWAY:
            return True
        try:
            counts = [await connection.fetchval(each) for each in (_OPEN, _UNFINISHED)]
        finally:
            connection.terminate()
        if any(counts):
            return True
        for bot, _, _ in bots:
            if self._troubles.said[bot.telegram_id]:
                about = await self._telegram.about(bot.telegram_id)
                if about["webhook"]["pending_update_count"]:
                    return True
        return False

    async def _tell_progress(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(_TELL_EVERY)
            try:
                row = await self._installation.row(_PROGRESS)
                state = f"{row['sent']} sent, {row['uncertain']} uncertain, {row['open']} open"
            except AWAY:
                state = "the database is away"
            self._tell(f"{time.monotonic() - began:4.0f} s: {state}, {len(self._deaths)} deaths")

    # The end

    async def _evidence(self) -> Evidence:
        for kept in self._kept.values():
            if kept.plan.action is FaultAction.SLEEP:
                self._slowed[kept.program.pid] = kept.plan.seconds
        stalls = Counter(self._slowed)
        stalls.update(self._troubles.frozen)
        return Evidence(
            bots=await self._installation.books(),
            book=self._telegram.book(),
            witness=self._witness,
            journal=self._journal,
            deaths=self._deaths,
            rate=self._scale.rate,
            stalls=stalls,
            falls=self._database.falls,
        )

    def _judge(self, evidence: Evidence, unfinished: list[str], seconds: float) -> Verdict:
        found = [*unfinished, *faults(evidence), *self._own_ends()]
        return Verdict(
            seed=self._seed,
            violations=tuple(found),
            outcomes=outcomes(evidence.bots),
            deaths=Counter(death.cause for death in self._deaths),
            hit=sum(death.in_flight > 0 for death in self._deaths),
            troubles={act.value: number for act, number in self._troubles.done.items()},
            receipts=len(evidence.book.accepted()),
            looks=self._witness.looks,
            seconds=seconds,
        )

    def _own_ends(self) -> list[str]:
        """A program may give up while it has no database, and be started again; else it may not."""
        stopped = [kept.program for kept in self._kept.values() if kept.program.exit_code]
        return [
            *(f"{death.program} ended by itself with {death.code}" for death in self._unforced()),
            *(f"{program.name}, asked to end, did with {program.exit_code}" for program in stopped),
        ]

    def _unforced(self) -> Iterator[Death]:
        for death in self._deaths:
            without_database = any(
                began - 1 <= death.at <= ended + 5 for began, ended in self._database.falls
            )
            if death.code != -signal.SIGKILL and not without_database:
                yield death
