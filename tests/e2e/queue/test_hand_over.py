"""A worker that is asked to end lets its lanes go, and others go on at once."""

import asyncio
import itertools

import pytest

from skua_adapters.telegram_simulator import LatencySettings
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.programs import Program
from tests.e2e.queue.conftest import holder_pid

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

# Neither a sweep nor a takeover comes while this test lasts, so only a job can move the lane.
NO_SWEEP = {"SKUA_LANE_SWEEP": "300", "SKUA_LANE_TAKEOVER": "120"}
LISTENS_AFTER = 2.0
"""Seconds from a worker's first word until it certainly takes jobs."""
AT_ONCE = 5.0
"""Seconds without a message, on a machine that does ten other things; it usually takes some tenths,
and without the word about the lane it would take the time of a sweep."""


async def test_a_stopped_worker_hands_its_lane_over_at_once(
    set_up: SetUp, carrier: dict[str, str]
) -> None:
    latency = LatencySettings(mean=0.1, deviation=0.03)
    scene = await set_up(rate=100, latency=latency, **NO_SWEEP, **carrier)
    installation = scene.installation
    bot, audience = await scene.connect(700)
    workers = [await start_idle(scene, name) for name in ("first", "second")]
    broadcast = await installation.broadcast(bot, "spring")
    await scene.until_sent(broadcast, more=100)
    holder = await holder_pid(scene)

    (stopped,) = (worker for worker in workers if worker.pid == holder)
    (other,) = (worker for worker in workers if worker.pid != holder)
    assert await stopped.stop() == 0
    await scene.until_sent(broadcast, more=50)
    assert await holder_pid(scene) == other.pid
    row = await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    assert (row["sent"], row["uncertain"]) == (len(audience), 0), installation.tails()
    assert longest_silence(scene) < AT_ONCE, installation.tails()
    await scene.assert_promises_kept()


async def start_idle(scene: Scene, name: str) -> Program:
    """A worker that is up, and has nothing to do by which that could be seen."""
    program = await scene.installation.start(scene.installation.worker(name))

    async def says_so() -> bool | None:
        return True if "Working" in program.log.read_text() else None

    await scene.installation.until(says_so, f"the start of {name}")
    await asyncio.sleep(LISTENS_AFTER)
    return program


def longest_silence(scene: Scene) -> float:
    arrivals = sorted(receipt.monotonic for receipt in scene.telegram.book().accepted())
    silence = max(later - earlier for earlier, later in itertools.pairwise(arrivals))
    print(f"Longest silence: {silence:.2f} s")  # noqa: T201 - pytest shows it with a failure
    return silence
