"""``skua migrate``: the database's roles and tables."""

import asyncio
import sys
from urllib.parse import unquote, urlsplit

import rich_click as click

from skua_app.cli.plain import say
from skua_app.cli.surroundings import Surroundings
from skua_app.settings import SettingInvalid, Settings

_ROLES = {"SKUA_DATABASE_OWNER_URL": "skua_owner", "SKUA_DATABASE_URL": "skua_app"}


@click.command()
@click.option(
    "--create-roles",
    is_flag=True,
    help="First make the roles; asks for the URL of one who may (a superuser, say).",
)
@click.pass_obj
def migrate(surroundings: Surroundings, *, create_roles: bool) -> None:
    """Bring the database to the version that this program needs.

    It works as the role of SKUA_DATABASE_OWNER_URL, skua_owner. With --create-roles the roles get
    the passwords that stand in SKUA_DATABASE_OWNER_URL and SKUA_DATABASE_URL; the URL of whoever
    makes them is asked for, or read from standard input. The embedded database needs none of this.
    """
    from skua_adapters._sql import migrations, roles  # noqa: PLC0415 - seconds, for --help

    settings = surroundings.settings()
    if settings.skua_database_url is None and settings.skua_database_owner_url is None:
        with surroundings.reach(settings):
            say(f"The embedded database is at version {migrations.head_version()}.")
        return
    owner_url = settings.skua_database_owner_url
    if owner_url is None:
        raise SettingInvalid("SKUA_DATABASE_OWNER_URL", "it isn't set, and migrations need it")
    if create_roles:
        asyncio.run(roles.create_roles(_ask_for_url(), _passwords(settings)))
    asyncio.run(migrations.migrate(owner_url))
    say(f"The database is at version {migrations.head_version()}.")


def _ask_for_url() -> str:
    if sys.stdin.isatty():
        text = click.prompt("URL of a role that may make roles", hide_input=True, err=True)
    else:
        text = sys.stdin.readline()
    return str(text).strip()


def _passwords(settings: Settings) -> dict[str, str]:
    """By role; none for a URL without one. Raises SettingInvalid."""
    found = {}
    for name, url in (
        ("SKUA_DATABASE_OWNER_URL", settings.skua_database_owner_url),
        ("SKUA_DATABASE_URL", settings.skua_database_url),
    ):
        if url is None:
            continue
        try:
            parts = urlsplit(url)
        except ValueError:
            raise SettingInvalid(name, "it can't be read as a URL") from None
        if parts.username != _ROLES[name]:
            raise SettingInvalid(name, f"its user has to be {_ROLES[name]}")
        if parts.password is not None:
            found[_ROLES[name]] = unquote(parts.password)
    return found
