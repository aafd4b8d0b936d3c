"""Letters leave, wait, or are given up; none is lost and none shows what it says."""

import asyncio
import logging

import pytest

from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.letter_renderer.in_process import InProcessLetterRenderer
from skua_core.domain.letter import Letter, Mail
from skua_core.use_cases.accounts.dispatch import DispatchMail, pause
from tests.unit.use_cases.accounts.office import EMAIL, Office

HALF_A_DAY = 43_200


@pytest.fixture
def office() -> Office:
    return Office()


class BrokenRenderer(InProcessLetterRenderer):
    def render(self, letter: Letter) -> Mail:
        raise ValueError(f"the template of {letter.to} {letter.facts}")


async def test_a_letter_leaves_once_and_nothing_of_it_stays(office: Office) -> None:
    await office.post()

    assert [await office.dispatch(), await office.dispatch()] == [1, 0]

    (mail,) = office.mailer.sent
    assert mail.to == EMAIL
    assert "12345678" in mail.text
    assert await office.waiting() == 0


async def test_two_dispatchers_send_no_letter_twice(office: Office) -> None:
    for number in range(20):
        await office.post(f"person{number}@example.org")

    while any(await asyncio.gather(office.dispatch(), office.dispatch(), office.dispatch())):
        pass

    assert sorted({mail.to for mail in office.mailer.sent}) == sorted(
        mail.to for mail in office.mailer.sent
    )
    assert len(office.mailer.sent) == 20


async def test_a_letter_waits_longer_each_time_while_the_server_is_away(office: Office) -> None:
    await office.post()
    office.mailer.cut_off()
    tried = 0

    for seconds in (30, 60, 120):
        assert await office.dispatch() == 0
        tried += 1
        office.world.clock.advance(seconds - 1)
        async with office.storage.unit() as unit:
            assert await unit.outbox.take(limit=9, hold=9) == []
        office.world.clock.advance(1)
    office.mailer.restore()

    assert await office.dispatch() == 1
    assert tried == 3


def test_pauses_double_up_to_an_hour() -> None:
    assert [pause(attempt) for attempt in (1, 2, 3, 7, 8, 9, 500)] == [
        30,
        60,
        120,
        1920,
        3600,
        3600,
        3600,
    ]


async def test_after_three_days_a_letter_is_given_up(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.post()
    office.mailer.cut_off()

    for _ in range(5):
        await office.dispatch()
        office.world.clock.advance(HALF_A_DAY)
    assert await office.waiting() == 1
    office.world.clock.advance(HALF_A_DAY)
    office.mailer.restore()
    await office.dispatch()

    assert await office.waiting() == 0
    assert office.mailer.sent == []
    assert "could not leave for three days" in caplog.text


async def test_what_the_server_never_takes_is_given_up_at_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await office.post("gone@example.org")
    await office.post()
    office.mailer.refuse("gone@example.org")

    assert await office.dispatch() == 1

    assert await office.waiting() == 0
    assert "is given up" in caplog.text
    assert "gone" not in caplog.text


async def test_a_letter_that_no_key_opens_waits_for_the_key(office: Office) -> None:
    await office.post()
    stranger = Office(office.world, vault=InMemoryAccountVault())

    assert await stranger.dispatch() == 0

    assert await office.waiting() == 1
    office.world.clock.advance(30)
    assert await office.dispatch() == 1


async def test_a_defect_holds_up_its_own_letter_and_tells_nothing_of_it(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    broken = DispatchMail(
        storage=office.storage,
        letters=office.letters,
        renderer=BrokenRenderer(),
        mailer=office.mailer,
    )
    await office.post()

    assert await broken() == 0

    assert await office.waiting() == 1
    assert "ValueError" in caplog.text
    for secret in (EMAIL, "12345678"):
        assert secret not in caplog.text


async def test_a_dispatcher_that_died_leaves_its_letters_to_the_next(office: Office) -> None:
    await office.post()
    async with office.storage.unit() as unit:
        assert len(await unit.outbox.take(limit=5, hold=120)) == 1
        await unit.commit()

    assert await office.dispatch() == 0
    office.world.clock.advance(120)
    assert await office.dispatch() == 1


async def test_each_attempt_at_a_letter_has_the_same_id(office: Office) -> None:
    await office.post()
    (mail_id,) = office.world.memory.accounts.mails.rows
    office.mailer.cut_off()
    await office.dispatch()
    office.mailer.restore()
    office.world.clock.advance(30)

    await office.dispatch()

    assert office.mailer.ids == [mail_id]
