"""The outbox: a letter is with one taker at a time until it has left."""

import asyncio
from datetime import datetime

import pytest

from skua_core.domain.letter import QueuedLetter
from skua_core.domain.secret import SealedSecret
from skua_core.ids import MailId
from tests.contract.rigs.account_storage import AccountRig

HOLD = 60.0


@pytest.fixture(autouse=True)
async def emptied(accounts: AccountRig) -> None:
    """The tests share a database."""
    while letters := await take(accounts):
        async with accounts.changing() as unit:
            for letter in letters:
                await unit.outbox.sent(letter.id)
    await accounts.let_pass(10_000)
    for letter in await take(accounts):
        async with accounts.changing() as unit:
            await unit.outbox.sent(letter.id)


async def post(rig: AccountRig, number: int = 1) -> list[MailId]:
    mail_ids = [MailId(rig.ids.new()) for _ in range(number)]
    async with rig.changing() as unit:
        for mail_id in mail_ids:
            await unit.outbox.add(mail_id, sealed(mail_id))
    return mail_ids


def sealed(mail_id: MailId) -> SealedSecret:
    return SealedSecret(f"v1.k1.{mail_id}")


async def take(rig: AccountRig, limit: int = 100) -> list[QueuedLetter]:
    async with rig.changing() as unit:
        return list(await unit.outbox.take(limit=limit, hold=HOLD))


async def test_a_letter_is_taken_as_it_was_posted(accounts: AccountRig) -> None:
    before = await now_in(accounts)
    (mail_id,) = await post(accounts)
    after = await now_in(accounts)

    (letter,) = await take(accounts)

    assert (letter.id, letter.sealed, letter.attempts) == (mail_id, sealed(mail_id), 1)
    assert before <= letter.written_at <= after


async def now_in(rig: AccountRig) -> datetime:
    async with rig.storage.unit() as unit:
        return await unit.now()


async def test_whoever_waited_longest_leaves_first(accounts: AccountRig) -> None:
    posted = []
    for _ in range(5):
        posted += await post(accounts)
        await accounts.let_pass(1)

    taken = [await take(accounts, 2) for _ in range(4)]

    assert [[letter.id for letter in letters] for letters in taken] == [
        posted[:2],
        posted[2:4],
        posted[4:],
        [],
    ]


async def test_what_is_taken_is_nobody_else_s_until_it_was_held_too_long(
    accounts: AccountRig,
) -> None:
    (mail_id,) = await post(accounts)
    await take(accounts)
    at_once = await take(accounts)
    await accounts.let_pass(HOLD + 1)
    (again,) = await take(accounts)

    assert at_once == []
    assert (again.id, again.attempts) == (mail_id, 2)


async def test_nothing_is_kept_of_what_left_or_never_will(accounts: AccountRig) -> None:
    left, hopeless = await post(accounts, 2)
    await take(accounts)
    async with accounts.changing() as unit:
        await unit.outbox.sent(left)
        await unit.outbox.give_up(hopeless)
    await accounts.let_pass(HOLD + 1)

    assert await take(accounts) == []
    for mail_id in (left, hopeless):
        assert await accounts.mentions(str(mail_id)) == []


async def test_what_is_postponed_is_due_then(accounts: AccountRig) -> None:
    (mail_id,) = await post(accounts)
    await take(accounts)
    async with accounts.changing() as unit:
        await unit.outbox.postpone(mail_id, seconds=30)
    early = await take(accounts)
    await accounts.let_pass(31)
    (letter,) = await take(accounts)

    assert early == []
    assert (letter.id, letter.attempts) == (mail_id, 2)


async def test_what_has_left_can_not_be_postponed(accounts: AccountRig) -> None:
    (mail_id,) = await post(accounts)
    async with accounts.changing() as unit:
        await unit.outbox.sent(mail_id)
        await unit.outbox.postpone(mail_id, seconds=0)

    assert await take(accounts) == []


async def test_a_letter_that_was_taken_by_a_unit_that_failed_is_there_again(
    accounts: AccountRig,
) -> None:
    (mail_id,) = await post(accounts)
    async with accounts.storage.unit() as unit:
        assert len(await unit.outbox.take(limit=1, hold=HOLD)) == 1

    (letter,) = await take(accounts)
    assert (letter.id, letter.attempts) == (mail_id, 1)


async def test_several_takers_never_share_a_letter(accounts: AccountRig) -> None:
    posted = await post(accounts, 40)
    taken: list[MailId] = []

    async def work() -> None:
        while letters := await take(accounts, 3):
            taken.extend(letter.id for letter in letters)

    await asyncio.gather(*(work() for _ in range(5)))

    assert sorted(taken) == sorted(posted)
