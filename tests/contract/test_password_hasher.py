"""What every PasswordHasher has to keep: whole passwords count, and nothing else tells anything."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret
from skua_core.errors import PasswordCheckBusy
from skua_core.ports.password_hasher import PasswordHasher, Verification

WRONG = Verification(right=False)
RIGHT = Verification(right=True)
PASSWORD = Secret("three gulls on a mast")
CHEAP, DEARER = 4, 5

# A password, and one that differs from it only there where a careless hasher no longer looks.
NEAR_MISSES = {
    "after 72 bytes": ("x" * 72 + "a", "x" * 72 + "b"),
    "at the 73rd byte": ("x" * 72, "x" * 73),
    "after 128 characters": ("x" * 128, "x" * 127 + "y"),
    "after a NUL": ("twelve chars\0a", "twelve chars\0b"),
    "a NUL at the end": ("twelve chars", "twelve chars\0"),
    "in a character of four bytes": ("🐦" * 18 + "🐧", "🐦" * 18 + "🐦"),
    "in half a character": ("twelve chars\ud800", "twelve chars\ud801"),
    "in its case": ("Twelve chars", "twelve chars"),
    "in a space": ("twelve chars ", "twelve chars"),
}
CORRUPT = [
    *("", "x", "$2b$", "$2b$12$", "$2b$12$short", "$2b$04$" + "é" * 53, "$2b$99$" + "a" * 53),
    *("$2b$31$" + "a" * 53, "$2b$00$" + "a" * 53, "$2x$04$" + "a" * 53, "$2b$04$" + "=" * 53),
    *("$2b$04$" + "\0" * 53, "$argon2id$v=19$m=65536$x$y", "\ud800", "fake$04$salt$digest"),
]


def fake_hasher(cost: int) -> PasswordHasher:
    return FakePasswordHasher(cost=cost)


@contextmanager
def bcrypt_hasher(
    cost: int, *, threads: int = 2, longest_wait: float = 60
) -> Iterator[PasswordHasher]:
    hasher = BcryptPasswordHasher(cost=cost, threads=threads, longest_wait=longest_wait)
    yield hasher
    hasher.close()


@pytest.fixture(scope="module", params=["fake", "bcrypt"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[int], PasswordHasher]]:
    if request.param == "fake":
        yield fake_hasher
        return
    with bcrypt_hasher(CHEAP) as cheap, bcrypt_hasher(DEARER) as dearer:
        yield {CHEAP: cheap, DEARER: dearer}.__getitem__


@pytest.fixture(scope="module")
def hasher(make: Callable[[int], PasswordHasher]) -> PasswordHasher:
    return make(CHEAP)


@pytest.fixture(params=["fake", "bcrypt"])
def crowded(request: pytest.FixtureRequest) -> Iterator[PasswordHasher]:
    """One that has time for one password alone."""
    if request.param == "fake":
        yield FakePasswordHasher(most_at_once=1)
        return
    # One of them is taken for an eighth of a second.
    with bcrypt_hasher(11, threads=1, longest_wait=0.1) as hasher:
        yield hasher


async def test_a_password_is_known_again_by_its_hash(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash(PASSWORD)

    assert await hasher.verify(PASSWORD, hashed) == RIGHT
    assert await hasher.verify(Secret("three gulls on a must"), hashed) == WRONG


async def test_equal_passwords_have_different_hashes(hasher: PasswordHasher) -> None:
    one, two = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)

    assert one != two
    assert await hasher.verify(PASSWORD, two) == RIGHT


@pytest.mark.parametrize("case", NEAR_MISSES)
async def test_each_character_counts(hasher: PasswordHasher, case: str) -> None:
    password, other = NEAR_MISSES[case]
    hashed = await hasher.hash(Secret(password))

    assert await hasher.verify(Secret(password), hashed) == RIGHT
    assert await hasher.verify(Secret(other), hashed) == WRONG


async def test_a_password_is_the_same_however_its_accents_were_typed(
    hasher: PasswordHasher,
) -> None:
    composed = unicodedata.normalize("NFC", "möwen über dem möwenfels " * 5)
    hashed = await hasher.hash(Secret(composed))

    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert await hasher.verify(Secret(decomposed), hashed) == RIGHT


async def test_nothing_is_right_of_no_hash(hasher: PasswordHasher) -> None:
    for password in ("", "x", "\ud800", "\0", "x" * 100_000, PASSWORD.reveal()):
        assert await hasher.verify(Secret(password), None) == WRONG


@pytest.mark.parametrize("stored", CORRUPT)
async def test_nothing_is_right_of_a_hash_that_cannot_be_read(
    hasher: PasswordHasher, stored: str
) -> None:
    assert await hasher.verify(PASSWORD, PasswordHash(stored)) == WRONG


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_password_and_no_damage_raises(
    hasher: PasswordHasher, data: st.DataObject
) -> None:
    password = Secret(data.draw(st.text(st.characters(exclude_categories=()), max_size=150)))
    hashed = await hasher.hash(password)
    place = data.draw(st.integers(0, len(hashed.value) - 1))
    damage = data.draw(st.characters(exclude_categories=()))
    damaged = hashed.value[:place] + damage + hashed.value[place + 1 :]

    assert await hasher.verify(password, hashed) == RIGHT
    await hasher.verify(password, PasswordHash(damaged))


async def test_a_hash_of_a_lower_cost_is_outdated(make: Callable[[int], PasswordHasher]) -> None:
    old, new = make(CHEAP), make(DEARER)
    hashed = await old.hash(PASSWORD)

    assert await new.verify(PASSWORD, hashed) == Verification(right=True, outdated=True)
    assert not (await new.verify(Secret("another password"), hashed)).right
    assert await old.verify(PASSWORD, await new.hash(PASSWORD)) == RIGHT


async def test_whoever_comes_to_a_crowd_is_told_to_come_again(crowded: PasswordHasher) -> None:
    answers = await asyncio.gather(
        crowded.hash(PASSWORD),
        crowded.hash(PASSWORD),
        crowded.verify(PASSWORD, None),
        return_exceptions=True,
    )

    assert isinstance(answers[0], PasswordHash)
    for refused in answers[1:]:
        assert isinstance(refused, PasswordCheckBusy)
        assert refused.retry_after > 0
    assert await crowded.verify(PASSWORD, answers[0]) == RIGHT


async def test_whoever_stops_waiting_leaves_their_place(crowded: PasswordHasher) -> None:
    for _ in range(5):
        leaving = asyncio.ensure_future(crowded.hash(PASSWORD))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])

    async with asyncio.timeout(10):
        while True:
            try:
                assert await crowded.hash(PASSWORD)
                break
            except PasswordCheckBusy:
                await asyncio.sleep(0.01)


async def test_no_password_or_hash_shows(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash(PASSWORD)

    assert PASSWORD.reveal() not in hashed.value
    assert hashed.value not in repr([hashed, hasher])
    assert PASSWORD.reveal() not in repr([hashed, hasher, vars(hasher)])
