"""Fault points: places where a test may make the program fail, no-ops otherwise.

A plan is installed once at start, and only when the operator set ``SKUA_FAULTS``.
"""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from enum import StrEnum

import msgspec

POINTS = frozenset(
    {
        "claim.after_commit",
        "send.before_http",
        "send.after_http",
        "result.before_commit",
        "heartbeat.skip",
        "audit.before_insert",
        "webhook.after_insert",
        "token.after_commit_before_set_webhook",
    }
)


class FaultAction(StrEnum):
    RAISE = "raise"
    SLEEP = "sleep"
    DROP = "drop"
    """Raises ``ConnectionResetError``, as a broken connection would."""
    KILL = "kill"
    """Ends this process with SIGKILL: no handler runs, nothing is flushed."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens at one point: ``action`` with ``probability``, after ``skip`` passages."""

    action: FaultAction
    probability: float = 1.0
    skip: int = 0
    seconds: float = 1.0


class FaultInjected(Exception):
    """Raised at a fault point whose action is ``raise``."""

    def __init__(self, point: str) -> None:
        super().__init__(f"Fault injected at {point}.")
        self.point = point


class FaultPlan:
    """Which points fail, drawn from a seed."""

    def __init__(self, faults: Mapping[str, Fault], *, seed: int) -> None:
        unknown = sorted(set(faults) - POINTS)
        if unknown:
            raise ValueError(f"unknown fault points: {', '.join(unknown)}")
        self._faults = faults
        self._random = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
        self._passages = dict.fromkeys(faults, 0)

    async def pass_through(self, point: str) -> None:
        fault = self._faults.get(point)
        if fault is None:
            return
        self._passages[point] += 1
        if self._passages[point] <= fault.skip or self._random.random() >= fault.probability:
            return
        match fault.action:
            case FaultAction.SLEEP:
                await asyncio.sleep(fault.seconds)
            case FaultAction.DROP:
                raise ConnectionResetError(f"fault injected at {point}")
            case FaultAction.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case FaultAction.RAISE:
                raise FaultInjected(point)


_plan: FaultPlan | None = None


def install(plan: FaultPlan | None) -> None:
    """Make ``plan`` the one in force in this process; None turns every point off."""
    global _plan  # noqa: PLW0603 - the points lie in every layer; a process has one plan
    _plan = plan


async def fault(point: str) -> None:
    """Fail here if the plan in force says so."""
    if _plan is not None:
        await _plan.pass_through(point)
