"""What every RateLimiter has to keep."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_core.domain.limits import Bucket, Permit, permits_of
from tests.contract.rigs.rate_limiter import SECOND, RateLimiterRig, ReferenceBucket

SLOW = Bucket("slow", 5, 600)
ALSO_SLOW = Bucket("also-slow", 3, 60)
SINGLE = Bucket("single", 1, 0.2)


async def taken(rig: RateLimiterRig, *permits: Permit, tries: int) -> int:
    """How often they could be taken."""
    return [await rig.limiter.take(permits) for _ in range(tries)].count(0)


def waits(seconds: float, *, at_most: float) -> bool:
    """Time goes on while the question is on its way."""
    return at_most - 30 < seconds <= at_most


async def test_there_are_as_many_permits_as_the_burst(rate_limiter: RateLimiterRig) -> None:
    assert await taken(rate_limiter, Permit(SLOW, "ana"), tries=12) == 5


async def test_a_refusal_says_when_it_is_worth_trying_again(rate_limiter: RateLimiterRig) -> None:
    await taken(rate_limiter, Permit(SLOW, "ana"), tries=5)

    assert waits(await rate_limiter.limiter.take([Permit(SLOW, "ana")]), at_most=600)


async def test_after_that_wait_there_is_one_permit_and_no_more(
    rate_limiter: RateLimiterRig,
) -> None:
    permit = Permit(SINGLE, "ana")
    await rate_limiter.limiter.take([permit])

    await rate_limiter.pass_time(await rate_limiter.limiter.take([permit]))

    assert await rate_limiter.limiter.take([permit]) == 0
    assert await rate_limiter.limiter.take([permit]) > 0


async def test_being_refused_costs_nothing(rate_limiter: RateLimiterRig) -> None:
    permit = Permit(SINGLE, "ana")
    await rate_limiter.limiter.take([permit])
    for _ in range(5):
        wait = await rate_limiter.limiter.take([permit])

    await rate_limiter.pass_time(wait)

    assert await rate_limiter.limiter.take([permit]) == 0


async def test_a_bucket_that_was_left_alone_is_full_and_not_fuller(
    rate_limiter: RateLimiterRig,
) -> None:
    quick = Bucket("quick", 3, 0.02)
    await taken(rate_limiter, Permit(quick, "ana"), tries=3)
    await rate_limiter.pass_time(0.2)
    slow = Bucket("quick", 3, 600)

    assert await taken(rate_limiter, Permit(slow, "ana"), tries=9) == 3


async def test_keys_and_buckets_do_not_mix(rate_limiter: RateLimiterRig) -> None:
    await taken(rate_limiter, Permit(SLOW, "ana"), tries=5)

    assert await taken(rate_limiter, Permit(SLOW, "ben"), tries=9) == 5
    assert await taken(rate_limiter, Permit(ALSO_SLOW, "ana"), tries=9) == 3
    assert await taken(rate_limiter, Permit(Bucket("slow|ana", 2, 60), ""), tries=9) == 2


async def test_all_permits_are_taken_or_none(rate_limiter: RateLimiterRig) -> None:
    plenty, scarce = Permit(SLOW, "ana"), Permit(SINGLE, "ana")
    hour = Permit(Bucket("single", 1, 3600), "ana")
    await rate_limiter.limiter.take([hour])

    for _ in range(3):
        assert await rate_limiter.limiter.take([plenty, hour]) > 0
        assert await rate_limiter.limiter.take([hour, plenty]) > 0

    assert await taken(rate_limiter, plenty, tries=9) == 5
    assert scarce.bucket.name == hour.bucket.name


async def test_the_longest_wait_is_the_one_that_is_told(rate_limiter: RateLimiterRig) -> None:
    short, long = Permit(ALSO_SLOW, "ana"), Permit(SLOW, "ana")
    await taken(rate_limiter, short, tries=3)
    await taken(rate_limiter, long, tries=5)

    assert waits(await rate_limiter.limiter.take([short, long]), at_most=600)
    assert waits(await rate_limiter.limiter.take([long, short]), at_most=600)
    assert waits(await rate_limiter.limiter.take([short]), at_most=60)


async def test_the_same_permit_twice_is_two(rate_limiter: RateLimiterRig) -> None:
    permit = Permit(SLOW, "ana")

    assert await taken(rate_limiter, permit, permit, tries=9) == 2
    assert await taken(rate_limiter, permit, tries=9) == 1


async def test_more_at_once_than_the_burst_are_never_granted(rate_limiter: RateLimiterRig) -> None:
    assert await rate_limiter.limiter.take([Permit(SINGLE, "ana")] * 2) > 0
    assert await rate_limiter.limiter.take([Permit(SINGLE, "ana")]) == 0


async def test_no_permits_are_always_granted(rate_limiter: RateLimiterRig) -> None:
    assert await rate_limiter.limiter.take([]) == 0
    await rate_limiter.limiter.give_back([])


async def test_what_is_given_back_can_be_taken_again(rate_limiter: RateLimiterRig) -> None:
    permits = [Permit(SLOW, "ana"), Permit(ALSO_SLOW, "ana")]
    assert await taken(rate_limiter, *permits, tries=9) == 3

    await rate_limiter.limiter.give_back(permits)

    assert await taken(rate_limiter, *permits, tries=9) == 1


async def test_giving_back_more_than_was_taken_fills_no_bucket_beyond_its_burst(
    rate_limiter: RateLimiterRig,
) -> None:
    permit = Permit(SLOW, "ana")
    await rate_limiter.limiter.take([permit])

    await rate_limiter.limiter.give_back([permit] * 3)

    assert await taken(rate_limiter, permit, tries=9) == 5


@pytest.mark.parametrize("key", ["", "a|b", "ana@example.com", "\udc80", "\x00\n", "é" * 50_000])
async def test_any_text_is_a_key(rate_limiter: RateLimiterRig, key: str) -> None:
    assert await taken(rate_limiter, Permit(SLOW, key), tries=6) == 5
    await rate_limiter.limiter.give_back([Permit(SLOW, key)])
    assert await taken(rate_limiter, Permit(SLOW, key), tries=6) == 1


async def test_many_takers_at_once_get_no_more_than_there_is(rate_limiter: RateLimiterRig) -> None:
    permits = [Permit(Bucket("wide", 20, 600), "ana"), Permit(Bucket("narrow", 7, 600), "ana")]

    granted = await asyncio.gather(
        *(limiter.take(permits) for limiter in [rate_limiter.limiter, rate_limiter.elsewhere] * 40)
    )

    assert granted.count(0) == 7
    assert await taken(rate_limiter, permits[0], tries=30) == 13


async def test_whoever_has_a_whole_network_is_one_caller(rate_limiter: RateLimiterRig) -> None:
    async def granted(ips: Iterable[str]) -> int:
        return [await rate_limiter.limiter.take(permits_of(SLOW, ip)) for ip in ips].count(0)

    assert await granted(f"2001:db8:1:2::{number:x}" for number in range(200)) == 5
    assert await granted(f"2001:db8:1:{number:x}::1" for number in range(200)) == 35
    assert await granted(f"2001:db8:2:{number:x}::1" for number in range(5)) == 5
    assert await granted(["198.51.100.1", "::ffff:198.51.100.1"] * 10) == 5


# Small enough for a real clock to matter within a few tenths of a second.
BUCKETS = [Bucket("a", 1, 0.05), Bucket("b", 3, 0.03), Bucket("c", 2, 0.1)]
KEYS = ["ana", "ben"]

some_permits = st.lists(
    st.builds(Permit, st.sampled_from(BUCKETS), st.sampled_from(KEYS)), min_size=1, max_size=4
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), some_permits),
        st.tuples(st.just("take"), some_permits),
        st.tuples(st.just("give_back"), some_permits),
        st.tuples(st.just("wait"), st.sampled_from([0.004, 0.02, 0.05, 0.13])),
    ),
    max_size=25,
)
Step = tuple[str, list[Permit] | float]


class Reference:
    """What has to be granted, and what mustn't be."""

    def __init__(self, now: int) -> None:
        self.buckets = {
            (bucket.name, key): ReferenceBucket(bucket.burst, round(bucket.seconds * SECOND), now)
            for bucket in BUCKETS
            for key in KEYS
        }

    def check_take(self, permits: list[Permit], wait: float, earliest: int, latest: int) -> None:
        wanted = [
            (self.buckets[name], count)
            for name, count in Counter((p.bucket.name, p.key) for p in permits).items()
        ]
        for bucket, _ in wanted:
            bucket.refill(earliest, latest)
        shortest = max(0, *(count * bucket.cost - bucket.most for bucket, count in wanted))
        longest = max(0, *(count * bucket.cost - bucket.least for bucket, count in wanted))
        assert shortest <= round(wait * SECOND) <= longest
        if wait == 0:
            for bucket, count in wanted:
                bucket.take(count)

    def give_back(self, permits: list[Permit], earliest: int, latest: int) -> None:
        for permit in permits:
            bucket = self.buckets[(permit.bucket.name, permit.key)]
            bucket.refill(earliest, latest)
            bucket.give_back()


async def keeps_to_the_reference(rig: RateLimiterRig, history: list[Step]) -> None:
    reference, example = Reference(rig.now()), uuid4().hex
    for number, (what, argument) in enumerate(history):
        if isinstance(argument, float):
            await rig.pass_time(argument)
            continue
        limiter = [rig.limiter, rig.elsewhere][number % 2]
        own = [Permit(permit.bucket, f"{example}-{permit.key}") for permit in argument]
        earliest = rig.now()
        if what == "take":
            wait = await limiter.take(own)
            reference.check_take(argument, wait, earliest, rig.now())
        else:
            await limiter.give_back(own)
            reference.give_back(argument, earliest, rig.now())


@given(history=steps)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_happens_it_is_as_a_bucket_that_permits_drip_into(
    rate_limiter: RateLimiterRig, history: list[Step]
) -> None:
    await keeps_to_the_reference(rate_limiter, history)


@given(history=steps)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_process_it_is_so_to_the_microsecond(
    in_process_limiter: RateLimiterRig, history: list[Step]
) -> None:
    await keeps_to_the_reference(in_process_limiter, history)


async def test_in_process_nothing_is_kept_of_buckets_that_are_full_again(
    in_process_limiter: RateLimiterRig,
) -> None:
    limiter = in_process_limiter.limiter
    assert isinstance(limiter, InProcessRateLimiter)
    long = Permit(SLOW, "ana")
    await taken(in_process_limiter, long, tries=5)

    for number in range(5000):
        await in_process_limiter.pass_time(0.01)
        await limiter.take([Permit(SINGLE, f"guest-{number}")])

    # Twenty at a time are not full.
    assert len(limiter._full_at) <= 1000
    assert await limiter.take([long]) > 0
    await limiter.give_back([long] * 5)
    await in_process_limiter.pass_time(1)
    await limiter.take([Permit(SINGLE, f"guest-{number}") for number in range(2000)])
    await limiter.give_back([Permit(SINGLE, f"guest-{number}") for number in range(2000)])
    assert len(limiter._full_at) == 0
