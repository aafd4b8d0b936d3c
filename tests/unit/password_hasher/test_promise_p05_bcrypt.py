"""Passwords are stored as bcrypt of cost 12, and whoever hashes keeps nobody else waiting."""

import asyncio
import time
from collections.abc import Iterator
from threading import Event

import bcrypt
import pytest

from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_adapters.password_hasher.bounded_pool import BoundedPool
from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret
from skua_core.errors import PasswordCheckBusy

pytestmark = pytest.mark.promise("P05")

PASSWORD = Secret("three gulls on a mast")
LONG = Secret("three gulls on a mast " * 5)


@pytest.fixture
def hasher() -> Iterator[BcryptPasswordHasher]:
    hasher = BcryptPasswordHasher()
    yield hasher
    hasher.close()


@pytest.fixture
def quick() -> Iterator[BcryptPasswordHasher]:
    hasher = BcryptPasswordHasher(cost=8, threads=1)
    yield hasher
    hasher.close()


async def test_a_hash_is_bcrypt_of_cost_12_with_a_salt_of_its_own(
    hasher: BcryptPasswordHasher,
) -> None:
    one, two = await asyncio.gather(hasher.hash(PASSWORD), hasher.hash(PASSWORD))

    assert one.value.startswith("$2b$12$")
    assert len(one.value) == len(two.value) == 60
    assert one.value[7:29] != two.value[7:29]
    assert bcrypt.checkpw(PASSWORD.reveal().encode(), one.value.encode())


async def test_a_password_of_more_than_72_bytes_is_digested_and_stored_alike(
    quick: BcryptPasswordHasher,
) -> None:
    hashed = await quick.hash(LONG)

    # openssl dgst -sha384 -hmac skua/pw/v1 -binary | base64
    digest = b"E/nP2r/Mq479B19TLNuv39uv5sUrLw7QNGYc4UFnsCwgZZ/TMxua6MsN7gQ5R9c2"
    assert hashed.value.startswith("$2b$08$")
    assert bcrypt.checkpw(digest, hashed.value.encode())


async def test_the_event_loop_goes_on_while_a_password_is_hashed(
    hasher: BcryptPasswordHasher,
) -> None:
    hashing = asyncio.ensure_future(hasher.hash(PASSWORD))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.005)
        turns += 1

    assert turns > 5


STORED = {
    "no account": None,
    "an empty hash": "",
    "a broken hash": "$2b$09$short",
    "a cost that takes days": "$2b$31$" + "a" * 53,
    "a salt that isn't one": "$2b$09$" + "z" * 53,
    "another password": bcrypt.hashpw(b"another", bcrypt.gensalt(9)).decode(),
    "another one at a lower cost": bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode(),
    "the password at a lower cost": bcrypt.hashpw(
        PASSWORD.reveal().encode(), bcrypt.gensalt(7)
    ).decode(),
}


async def seconds_of_a_check(hasher: BcryptPasswordHasher, stored: str | None) -> float:
    """Of the processors' time, which other programs don't lengthen; the best of three."""
    hashed = None if stored is None else PasswordHash(stored)
    took = []
    for _ in range(3):
        began = time.process_time()
        await hasher.verify(PASSWORD, hashed)
        took.append(time.process_time() - began)
    return min(took)


async def test_a_check_does_the_same_work_whatever_there_is_to_check() -> None:
    hasher = BcryptPasswordHasher(cost=9, threads=1)
    usual = bcrypt.hashpw(PASSWORD.reveal().encode(), bcrypt.gensalt(9)).decode()
    expected = await seconds_of_a_check(hasher, usual)

    took = {name: await seconds_of_a_check(hasher, stored) for name, stored in STORED.items()}

    hasher.close()
    # One check more or less would be twice or half of it, a cheaper one by a step three quarters.
    assert {name: round(each / expected, 1) for name, each in took.items()} == {
        name: pytest.approx(1, abs=0.21) for name in STORED
    }


async def test_more_than_can_be_hashed_in_time_is_refused_at_once() -> None:
    # A hash of cost 8 is taken for a sixteenth of cost 12's: 17 ms.
    hasher = BcryptPasswordHasher(cost=8, threads=1, longest_wait=1)
    tries = [asyncio.ensure_future(hasher.hash(PASSWORD)) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    refused = [each.exception() for each in tries if each.done()]
    assert len(refused) == 40
    for error in refused:
        assert isinstance(error, PasswordCheckBusy)
        assert error.retry_after > 1
    came = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(came[0], PasswordHash)
    hasher.close()


async def test_nobody_waits_longer_than_that_even_when_hashing_is_slow() -> None:
    pool = BoundedPool(name="slow", threads=1, longest_wait=0.2, seconds_each=0.001)
    slow, done = Event(), []
    first = asyncio.ensure_future(pool.run(slow.wait))
    second = asyncio.ensure_future(pool.run(lambda: done.append("too late")))
    await asyncio.sleep(0.3)
    slow.set()

    assert await first
    with pytest.raises(PasswordCheckBusy) as busy:
        await second
    assert busy.value.retry_after >= 1
    assert done == []
    pool.close()
