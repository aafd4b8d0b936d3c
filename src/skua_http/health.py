"""Is the process alive, and can it work?"""

import asyncio
from abc import abstractmethod
from enum import StrEnum
from typing import Literal, Protocol

import msgspec
from dishka import FromDishka
from litestar import get
from litestar.exceptions import ServiceUnavailableException

from skua_core.errors import SkuaError
from skua_http.injection import inject
from skua_http.openapi import answer_of

PATIENCE = 2.0
"""Seconds within which what Skua depends on must have answered."""


class QueueState(StrEnum):
    OK = "ok"
    AWAY = "away"
    """Work is found by the sweep, some seconds later."""


class ReadinessCheck(Protocol):
    """Asks what Skua works with, each time anew. Shared by all requests."""

    @abstractmethod
    async def __call__(self) -> QueueState:
        """How the job queue is, without which Skua can work.

        Raises a SkuaError when something doesn't answer that it needs, such as StorageUnavailable.
        """


class Alive(msgspec.Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Ready(msgspec.Struct, frozen=True):
    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    queue: QueueState = QueueState.OK


@get("/healthz", summary="Is the process alive?", sync_to_thread=False)
def healthz() -> Alive:
    """Says that the process serves requests, and asks nobody else."""
    return Alive()


@get(
    "/readyz",
    summary="Can requests be served?",
    responses={503: answer_of(503, ["service-unavailable"])},
)
@inject
async def readyz(check: FromDishka[ReadinessCheck]) -> Ready:
    """Says whether requests can be served whole; not why, for anybody may ask."""
    try:
        async with asyncio.timeout(PATIENCE):
            queue = await check()
    except (SkuaError, TimeoutError):
        raise ServiceUnavailableException(detail="Skua isn't ready") from None
    return Ready(queue=queue)
