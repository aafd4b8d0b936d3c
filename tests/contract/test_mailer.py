"""What every Mailer has to keep."""

import asyncio
from uuid import UUID

import pytest

from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable, MailUndeliverable
from skua_core.ids import MailId
from tests.contract.rigs.mailer import (
    MailerRig,
    certificate,
    recording,
    smtp,
    smtp_over_tls,
    smtp_with_starttls,
)

__all__ = ["certificate", "recording", "smtp", "smtp_over_tls", "smtp_with_starttls"]

ANA = "ana@example.org"
TEXT = "Grüße, Ana.\n\nCode:\n\n    12345678\n"
HTML = "<p>Grüße, Ana &amp; Co.</p>\n"


def mail(to: str = ANA) -> Mail:
    return Mail(to=to, subject="Your code — für dich 🐦", text=TEXT, html=HTML)


def an_id(number: int = 1) -> MailId:
    return MailId(UUID(int=number))


@pytest.fixture(params=["recording", "smtp", "smtp_over_tls", "smtp_with_starttls"])
def rig(request: pytest.FixtureRequest) -> MailerRig:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, MailerRig)
    return made


async def test_a_mail_arrives_with_all_that_it_says(rig: MailerRig) -> None:
    await rig.mailer.send(an_id(), mail())

    assert rig.received() == [(ANA, "Your code — für dich 🐦", TEXT, HTML)]


async def test_mails_sent_at_the_same_time_all_arrive(rig: MailerRig) -> None:
    people = [f"person{number}@example.org" for number in range(10)]

    await asyncio.gather(
        *(rig.mailer.send(an_id(number), mail(to)) for number, to in enumerate(people))
    )

    assert sorted(to for to, *_ in rig.received()) == people


async def test_a_recipient_whom_the_server_refuses_is_never_tried_again(rig: MailerRig) -> None:
    rig.refuse("gone@example.org")

    with pytest.raises(MailUndeliverable) as caught:
        await rig.mailer.send(an_id(), mail("gone@example.org"))
    await rig.mailer.send(an_id(2), mail())

    assert [to for to, *_ in rig.received()] == [ANA]
    assert "gone" not in str(caught.value)
    assert "unknown here" not in str(caught.value)


@pytest.mark.parametrize("nonsense", ["", "ana", "ana@"], ids=["empty", "no at", "no domain"])
async def test_what_is_no_address_is_undeliverable(rig: MailerRig, nonsense: str) -> None:
    with pytest.raises(MailUndeliverable):
        await rig.mailer.send(an_id(), mail(nonsense))

    assert rig.received() == []


async def test_a_server_that_is_away_takes_the_mail_later(rig: MailerRig) -> None:
    await rig.cut_off()
    with pytest.raises(MailUnavailable) as caught:
        await rig.mailer.send(an_id(), mail())
    await rig.restore()

    await rig.mailer.send(an_id(), mail())

    assert len(rig.received()) == 1
    assert ANA not in str(caught.value)


async def test_a_mail_is_not_shown_by_its_repr() -> None:
    assert repr(mail()) == "Mail(***)"
