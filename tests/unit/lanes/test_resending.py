"""What an operator has sent again leaves, even if nobody moved its rows before."""

from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus
from tests.unit.lanes.conftest import Bench


async def test_the_lane_moves_what_is_to_be_sent_again(bench: Bench) -> None:
    people = await bench.subscribe(30)
    broadcast = await bench.broadcast()
    for person in people[-4:]:
        bench.messenger.refuse(person.chat_id)
    bench.messenger.drop_before_accepting(times=3)
    await (await bench.hold()).end()
    before = (await bench.report(broadcast)).broadcast.counts
    async with bench.changing() as unit:
        again = await unit.broadcasts.get(broadcast, lock=True)
        assert again is not None
        again.resend([DeliveryStatus.UNCERTAIN], now=bench.clock.now())
        await unit.broadcasts.save(again)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert before == DeliveryCounts(sent=23, failed=4, uncertain=3)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=26, failed=4)
    assert len({message.chat_id for message in bench.messenger.sent}) == 26
