"""How the programs that send run: on uvloop where it is installed, and with a patient collector."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_YOUNG = 10_000
"""Objects made between two looks for garbage. A lane's window of sends holds thousands that are
none, and at Python's 700 looking through them takes a third of a sender's time."""


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Like ``asyncio.run``, for a process that does nothing else."""
    tune_collector()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def tune_collector() -> None:
    """For a process that has imported what it needs and begins to work."""
    gc.collect()
    # What is there by now stays: modules, classes, settings.
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop
