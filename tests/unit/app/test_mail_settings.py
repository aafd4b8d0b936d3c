"""How mails leave, as the operator says it."""

import pytest

from skua_adapters.mailer.console import ConsoleMailer
from skua_adapters.mailer.smtp import SmtpMailer
from skua_adapters.mailer.smtp_server import Encryption
from skua_app.container import make_container
from skua_app.mail import ConsoleMailProvider
from skua_app.settings import SettingInvalid, load
from skua_core.ports.mailer import Mailer
from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import World

PASSWORD = "s3cr3t-word"
MAIL = {
    "SKUA_SMTP_URL": f"smtp+starttls://skua:{PASSWORD}@mail.example",
    "SKUA_MAIL_FROM": "Skua <skua@skua.example>",
}


def test_a_server_and_a_sender_are_read() -> None:
    settings = load(MAIL)

    assert settings.skua_smtp_url is not None
    assert settings.skua_smtp_url.encryption is Encryption.STARTTLS
    assert str(settings.skua_mail_from) == "Skua <skua@skua.example>"
    assert PASSWORD not in repr(settings) + repr(settings.skua_smtp_url)


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"SKUA_SMTP_URL": f"mail.example:{PASSWORD}"}, "SKUA_SMTP_URL", "has to begin with"),
        ({"SKUA_SMTP_URL": f"smtp://u:{PASSWORD}@mail.example"}, "SKUA_SMTP_URL", "in the clear"),
        ({"SKUA_SMTP_URL": f"smtps://u:[{PASSWORD}@mail.example"}, "SKUA_SMTP_URL", "isn't a URL"),
        ({"SKUA_MAIL_FROM": "Skua"}, "SKUA_MAIL_FROM", "isn't an address"),
        ({"SKUA_MAIL_FROM": ""}, "SKUA_MAIL_FROM", "mails need somebody to be from"),
    ],
)
def test_what_cannot_be_used_stops_the_start_without_showing_the_password(
    change: dict[str, str], name: str, says: str
) -> None:
    with pytest.raises(SettingInvalid, match=says) as caught:
        load(MAIL | change)

    assert caught.value.name == name
    assert PASSWORD not in str(caught.value)


def test_a_command_says_so_in_one_line() -> None:
    url = f"smtp://u:{PASSWORD}@mail.example"

    result = Desk(World(), {**MAIL, "SKUA_SMTP_URL": url}).run("user", "list")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("skua: SKUA_SMTP_URL: the password would cross the network")
    assert result.stderr.count("\n") == 1
    assert PASSWORD not in result.stderr


async def test_a_server_that_is_set_is_used_on_a_laptop_too() -> None:
    container = make_container(load(MAIL))

    assert isinstance(await container.get(Mailer), SmtpMailer)
    await container.close()


async def test_without_a_server_mails_are_for_the_console_where_there_is_one() -> None:
    embedded = make_container(load({}), more=(ConsoleMailProvider(),))
    one_of_many = make_container(load({}))

    assert isinstance(await embedded.get(Mailer), ConsoleMailer)
    with pytest.raises(SettingInvalid, match="SKUA_SMTP_URL"):
        await one_of_many.get(Mailer)
    await embedded.close()
    await one_of_many.close()
