"""One bot, one broadcast, the workers of a mutant, and the same judge as the torture's."""

import sys
from collections.abc import Mapping
from typing import Any

import asyncpg

from skua_core.domain.broadcast import Broadcast
from tests.e2e.delivery.conftest import Scene
from tests.e2e.delivery.installation import ConnectedBot
from tests.e2e.delivery.programs import Plan, Program
from tests.e2e.torture.operators import Journal, Operators
from tests.e2e.torture.verdict import Evidence, faults
from tests.e2e.torture.witness import Witness

_LONGEST = 45.0
"""Seconds for a whole scenario; a mutant may never come to an end."""
_LOOK = 0.02


class Stage:
    """Enter it once the scene has its bot; ``mutant`` None means Skua as it is shipped."""

    def __init__(self, scene: Scene, mutant: str | None) -> None:
        self.scene = scene
        self.installation = scene.installation
        self.mutant = mutant
        self.witness = Witness(scene.installation.dsn)
        self.journal = Journal()
        self.operators = Operators(scene.installation, scene.telegram, self.witness, self.journal)

    async def begin(self, people: int) -> tuple[ConnectedBot, Broadcast]:
        bot, _ = await self.scene.connect(people)
        return bot, await self.installation.broadcast(bot, "spring")

    def worker(self, name: str = "worker") -> Program:
        if self.mutant is None:
            return self.installation.worker(name)
        module = "tests.e2e.torture.mutants.worker_program"
        return self.installation.program(name, [sys.executable, "-m", module, self.mutant])

    async def start(self, name: str, *plans: Plan) -> Program:
        return await self.installation.start(self.worker(name), *plans)

    async def until_working(self, program: Program) -> None:
        """It has begun to look for lanes."""

        async def look() -> bool | None:
            return True if program.has_said("Working.") else None

        await self.installation.until(look, f"{program.name} at work")

    async def value(self, statement: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(self.installation.dsn)
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    async def until_true(self, statement: str, *arguments: object) -> None:
        async def look() -> bool | None:
            return True if await self.value(statement, *arguments) else None

        await self.installation.until(look, statement, pause=_LOOK)

    async def rewrite(self, function: str, changes: Mapping[str, str]) -> None:
        """Change a function of the database, each of these texts once."""
        connection = await asyncpg.connect(self.installation.dsn)
        try:
            definition = await connection.fetchval(
                "SELECT pg_get_functiondef($1::text::regproc)", function
            )
            for old, new in changes.items():
                assert definition.count(old) == 1, f"{function} has no {old!r}: aim this anew"
                definition = definition.replace(old, new)
            await connection.execute(definition)
        finally:
            await connection.close()

    async def judge(self, broadcast: Broadcast) -> list[str]:
        """What the judge of the torture finds once the broadcast is over, or should be."""
        found = []
        try:
            await self.installation.until_broadcast(
                broadcast, lambda row: row["finished_at"] is not None, seconds=_LONGEST
            )
        except AssertionError as error:
            found.append(f"the broadcast came to no end: {error}")
        await self.witness.look()
        rate = float(self.installation.environment["SKUA_SEND_RATE"])
        evidence = Evidence(
            bots=await self.installation.books(),
            book=self.scene.telegram.book(),
            witness=self.witness,
            journal=self.journal,
            deaths=[death for kept in self.installation.kept for death in kept.deaths],
            rate=rate,
            stalls={},
        )
        return [*found, *faults(evidence)]
