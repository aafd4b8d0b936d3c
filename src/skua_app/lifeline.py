"""Ties a child process to its parent: when one end of a pipe closes, the other notices.

Unlike a signal on the parent's death this works wherever there are pipes, and whatever killed the
parent.
"""

import asyncio
import os

VARIABLE = "SKUA_LIFELINE"
"""Where the child finds the number of its end."""


class Lifeline:
    """The parent's end. Closing it, or dying, tells every child that was given the other."""

    def __init__(self) -> None:
        self.child_end, self._parent_end = os.pipe()

    def close(self) -> None:
        os.close(self._parent_end)
        os.close(self.child_end)


async def parent_is_gone(descriptor: int) -> None:
    """Return when the parent has ended or let go."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)


def own_lifeline() -> int | None:
    """The descriptor that this process was given, if it has a parent to follow."""
    text = os.environ.get(VARIABLE)
    return int(text) if text else None
