"""Two holders in a row keep the distance that one would."""

from skua_core.use_cases.lane_place import LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, Bench


async def test_the_next_holder_waits_its_interval_before_it_sends(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=4), poll=0.15)
    await bench.subscribe(3)
    await bench.broadcast()

    first = await bench.hold()
    await bench.until_sent(1)
    sent_at = bench.clock.monotonic()
    first.place.stop()
    await first.end()
    second = await bench.hold("worker:2")
    await bench.until_sent(2)
    distance = bench.clock.monotonic() - sent_at
    second.place.stop()
    await second.end()

    assert distance >= 0.24
