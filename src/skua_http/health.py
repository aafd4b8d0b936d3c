"""Is the process alive, and can it work?"""

import asyncio
from abc import abstractmethod
from typing import Literal, Protocol

import msgspec
from dishka import FromDishka
from litestar import get
from litestar.exceptions import ServiceUnavailableException

from skua_core.errors import SkuaError
from skua_http.injection import inject

PATIENCE = 2.0
"""Seconds within which what Skua depends on must have answered."""


class ReadinessCheck(Protocol):
    """Asks what Skua can't work without, each time anew. Shared by all requests."""

    @abstractmethod
    async def __call__(self) -> None:
        """Raises a SkuaError when something doesn't answer, such as StorageUnavailable."""


class Alive(msgspec.Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Ready(msgspec.Struct, frozen=True):
    status: Literal["ready"] = "ready"


@get("/healthz", sync_to_thread=False)
def healthz() -> Alive:
    """Says that the process serves requests, and asks nobody else."""
    return Alive()


@get("/readyz")
@inject
async def readyz(check: FromDishka[ReadinessCheck]) -> Ready:
    """Says whether requests can be served whole; not why, for anybody may ask."""
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except (SkuaError, TimeoutError):
        raise ServiceUnavailableException(detail="Skua isn't ready") from None
    return Ready()
