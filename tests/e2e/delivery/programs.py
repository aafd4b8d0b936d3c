"""Programs that are killed and started again, as by a process supervisor without mercy."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from skua_core.faults import Fault, FaultAction

PROJECT = Path(__file__).parents[3]
_TAIL = 4000
"""Characters of a log that a failure shows."""
_LONGEST_END = 60.0
"""Seconds; a program that was asked to end drains its sends first."""


class Plan(msgspec.Struct, frozen=True):
    """What awaits one life of a program: nothing, or an end at a fault point."""

    point: str | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    action: FaultAction = FaultAction.KILL
    seconds: float = 1.0


def fault_variable(*plans: Plan) -> str:
    """For SKUA_FAULTS."""
    points = {
        plan.point: Fault(
            action=plan.action,
            probability=plan.probability,
            skip=plan.skip,
            seconds=plan.seconds,
        )
        for plan in plans
        if plan.point is not None
    }
    if not points:
        return ""
    return msgspec.json.encode({"seed": plans[0].seed, "points": points}).decode()


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """How one life ended, and what the ledger held at that moment."""

    program: str
    pid: int
    cause: str
    """A fault point, or who sent the signal."""
    code: int
    at: float
    """Monotonic."""
    pending: int = 0
    in_flight: int = 0
    lanes: int = 0
    """How many the process held."""

    def with_ledger(self, *, pending: int, in_flight: int, lanes: int) -> "Death":
        return msgspec.structs.replace(self, pending=pending, in_flight=in_flight, lanes=lanes)


class Program:
    """One process that writes its log below ``directory``."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        self.name = name
        self._command = command
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.log = directory / f"{name}.log"
        self._log_begins = 0
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.returncode

    async def start(self, *plans: Plan) -> None:
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment | {"SKUA_FAULTS": fault_variable(*plans)},
                cwd=PROJECT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """To it and the processes that it began."""
        os.killpg(self.pid, number)

    async def ended(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return await self.process.wait()

    def death(self, cause: str, code: int) -> Death:
        """One that was just seen."""
        return Death(program=self.name, pid=self.pid, cause=cause, code=code, at=time.monotonic())

    async def stop(self) -> int | None:
        """Ask it to end, and see that it does; its exit code."""
        if self.process is None:
            return None
        if self.process.returncode is None:
            self.send(signal.SIGCONT)
            self.process.terminate()
        try:
            async with asyncio.timeout(_LONGEST_END):
                return await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.send(signal.SIGKILL)
                await self.process.wait()

    async def kill(self) -> None:
        """End it the hard way, and wait for that; nothing to do for one that has ended."""
        if self.process is not None and self.process.returncode is None:
            self.send(signal.SIGKILL)
            await self.process.wait()

    def assert_no_own_end(self) -> None:
        """Whoever wasn't killed or asked to end must not have ended."""
        code = self.exit_code
        assert code in {None, 0, -signal.SIGKILL}, f"{self.name} ended with {code}\n{self.tail()}"

    def has_said(self, words: str) -> bool:
        """In this life."""
        if not self.log.exists():
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return words.encode() in log.read()

    def tail(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.name} ---\n{text[-_TAIL:]}"


class ServerProgram(Program):
    """``skua serve``: when the process dies that serves, all of it is killed.

    It would replace that process itself, and nobody could tell one life from the next.
    """

    async def ended(self) -> int:
        ended = asyncio.create_task(super().ended())
        try:
            while not ended.done():
                if self.has_said("Unexpected exit from worker"):
                    with contextlib.suppress(ProcessLookupError):
                        self.send(signal.SIGKILL)
                await asyncio.wait({ended}, timeout=0.05)
            return ended.result()
        finally:
            ended.cancel()


Observe = Callable[[Death], Awaitable[Death]]


class KeptProgram:
    """Started again at once whenever it dies, each life with the next plan; then without one."""

    def __init__(self, program: Program, plans: Iterable[Plan], observe: Observe) -> None:
        self.program = program
        self._plans: Iterator[Plan] = iter(plans)
        self._observe = observe
        self.plan = Plan()
        self.deaths: list[Death] = []
        self._outside: str | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.lives = 0

    async def __aenter__(self) -> Self:
        await self._begin_life()
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        assert self._task is not None
        while not self._task.done():
            # Again, in case it was just being started.
            await self.program.stop()
            await asyncio.wait({self._task}, timeout=0.1)
        self._task.result()

    @property
    def failure(self) -> BaseException | None:
        """What broke the keeping itself."""
        done = self._task is not None and self._task.done() and not self._task.cancelled()
        return self._task.exception() if done and self._task is not None else None

    def kill(self, why: str) -> None:
        """Unless it ended by itself in this very moment."""
        with contextlib.suppress(ProcessLookupError):
            self.program.send(signal.SIGKILL)
            self._outside = why

    async def _begin_life(self) -> None:
        self.plan = next(self._plans, Plan())
        self.lives += 1
        await self.program.start(self.plan)

    async def _keep(self) -> None:
        while True:
            code = await self.program.ended()
            if self._stopping:
                return
            cause, self._outside = self._outside or self.plan.point or "by itself", None
            death = self.program.death(cause, code)
            self.deaths.append(await self._observe(death))
            await self._begin_life()


def free_port() -> int:
    """One that is free now and that the system gives to no connection of its own accord.

    What a killed server left must still be free when the next one listens on it.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - any will do
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
