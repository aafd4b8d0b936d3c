"""The loop that lets letters leave: soon, whatever happens, and to its last word."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.letter_renderer.in_process import InProcessLetterRenderer
from skua_adapters.mailer.recording import RecordingMailer
from skua_core.domain.letter import Mail
from skua_core.errors import StorageUnavailable
from skua_core.ids import MailId
from skua_core.ports.mailer import Mailer
from skua_core.use_cases.accounts.dispatch import DispatchMail
from skua_worker.outbox import OutboxLoop
from tests.unit.use_cases.accounts.office import Office

SOON = 2.0
"""Seconds within which a mail leaves."""


@pytest.fixture
def office() -> Office:
    return Office()


class SlowMailer(RecordingMailer):
    """Takes a while, as a server does."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def send(self, mail_id: MailId, mail: Mail) -> None:
        self.begun.set()
        await asyncio.sleep(0.2)
        await super().send(mail_id, mail)


class LimpingDispatch(DispatchMail):
    """Fails at first."""

    def __init__(self, office: Office, *errors: Exception) -> None:
        super().__init__(
            storage=office.storage,
            letters=office.letters,
            renderer=InProcessLetterRenderer(),
            mailer=office.mailer,
        )
        self.errors = list(errors)

    async def __call__(self) -> int:
        if self.errors:
            raise self.errors.pop()
        return await super().__call__()


def dispatch_by(office: Office, mailer: Mailer) -> DispatchMail:
    return DispatchMail(
        storage=InMemoryAccountStorage(office.world.memory),
        letters=office.letters,
        renderer=InProcessLetterRenderer(),
        mailer=mailer,
    )


@asynccontextmanager
async def running(dispatch: DispatchMail, **times: float) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(OutboxLoop(dispatch, **times).run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool], seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is a list
            await asyncio.sleep(0.01)


async def test_a_letter_leaves_soon_after_it_was_posted(office: Office) -> None:
    async with running(office.dispatch):
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await office.post()
        await until(lambda: len(office.mailer.sent) == 1)

    assert time.monotonic() - began < SOON


async def test_many_letters_do_not_wait_for_each_other(office: Office) -> None:
    for number in range(30):
        await office.post(f"person{number}@example.org")

    async with running(office.dispatch):
        await until(lambda: len(office.mailer.sent) == 30)


@pytest.mark.parametrize("error", [StorageUnavailable("no connection"), ValueError("a defect")])
async def test_trouble_does_not_end_the_loop(
    office: Office, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    await office.post()

    async with running(LimpingDispatch(office, error), after_trouble=0.05):
        await until(lambda: len(office.mailer.sent) == 1)

    assert caplog.messages


async def test_a_mail_on_the_wire_is_finished_and_noted_when_the_process_stops(
    office: Office,
) -> None:
    await office.post()
    mailer = SlowMailer()

    async with running(dispatch_by(office, mailer)):
        await mailer.begun.wait()

    assert len(mailer.sent) == 1
    assert await office.waiting() == 0
