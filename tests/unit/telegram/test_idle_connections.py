"""Connections between two requests: the last one first, none that is dead or too old."""

import asyncio
from typing import cast

from aiohttp.connector import Connection

from skua_adapters.messenger.telegram_connections import IdleConnections


class _Protocol:
    def __init__(self) -> None:
        self.connected = True
        self.should_close = False

    def is_connected(self) -> bool:
        return self.connected


class _Connection:
    def __init__(self) -> None:
        self.protocol: _Protocol | None = _Protocol()
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.protocol = None
        self.closed.set()


def _idle(keep_alive: float = 60) -> IdleConnections:
    return IdleConnections(asyncio.get_running_loop(), keep_alive=keep_alive)


def _take(idle: IdleConnections) -> object:
    return idle.take()


def _put(idle: IdleConnections, *connections: _Connection) -> None:
    for connection in connections:
        idle.put(cast("Connection", connection))


async def test_the_one_that_was_used_last_is_taken_first() -> None:
    idle, first, last = _idle(), _Connection(), _Connection()
    _put(idle, first, last)

    assert [_take(idle), _take(idle), _take(idle)] == [last, first, None]


async def test_one_that_was_lost_meanwhile_is_passed_over() -> None:
    idle, whole, lost, noisy = _idle(), _Connection(), _Connection(), _Connection()
    _put(idle, whole, lost, noisy)
    assert lost.protocol is not None
    assert noisy.protocol is not None
    lost.protocol.connected = False
    noisy.protocol.should_close = True

    assert _take(idle) is whole
    assert lost.protocol is None
    assert noisy.protocol is None


async def test_one_that_idled_for_too_long_is_closed_by_itself() -> None:
    idle, connection = _idle(keep_alive=0.01), _Connection()
    _put(idle, connection)
    await connection.closed.wait()

    assert idle.take() is None


async def test_closing_closes_all_of_them() -> None:
    idle, connections = _idle(), [_Connection(), _Connection()]
    _put(idle, *connections)

    idle.close()

    assert [connection.protocol for connection in connections] == [None, None]
    assert idle.take() is None
