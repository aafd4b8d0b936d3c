"""``skua user``: the accounts of an installation, for whoever runs it."""

import rich_click as click

from skua_app.cli import options
from skua_app.cli.output import say_json, say_table
from skua_app.cli.plain import note, say
from skua_app.cli.surroundings import Session, Surroundings
from skua_core.domain.account import Account
from skua_core.domain.user import User
from skua_core.use_cases.accounts.operators import (
    CreateUser,
    CreateUserCommand,
    DisableUser,
    DisableUserCommand,
    EnableUser,
    EnableUserCommand,
    ListUsers,
    ListUsersQuery,
)

_PAGE = 200


@click.group()
def user() -> None:
    """Make accounts, list them, shut them and open them again."""


@user.command()
@click.argument("email")
@click.option("--name", default="", help="What people here call them.")
@click.option("--take-over", is_flag=True, help="Give the account the bots of this shell's user.")
@options.as_json
@click.pass_obj
def create(
    surroundings: Surroundings, *, email: str, name: str, take_over: bool, as_json: bool
) -> None:
    """Make an account that can sign in at once: you vouch for the address.

    The password is asked for, or read from standard input. With --take-over the bots of this
    shell's user become the account's, and commands in this shell act as the account from then on.
    """
    password = options.read_new_password()
    with surroundings.session() as session:
        command = CreateUserCommand(
            email=email,
            name=name,
            password=password,
            take_over_local=session.local_login if take_over else None,
            actor=session.actor,
        )
        made = session.run(session.get(CreateUser)(command))
    _report(made, f"{made.login} can sign in.", as_json=as_json)


@user.command("list")
@options.as_json
@click.pass_obj
def list_users(surroundings: Surroundings, *, as_json: bool) -> None:
    """Show who has an account, and who uses the command."""
    with surroundings.session() as session:
        accounts = _all(session)
    if as_json:
        for each in accounts:
            say_json(_facts(each.user) | {"totp_enabled": each.totp_enabled})
    elif accounts:
        say_table(
            ("USER", "NAME", "STATE", "SECOND FACTOR", "SHELL USER", "SINCE (UTC)"),
            [
                (
                    each.user.login,
                    each.user.name or None,
                    _state(each),
                    each.totp_enabled,
                    each.user.local_login,
                    each.user.created_at,
                )
                for each in accounts
            ],
        )
    else:
        note("There is no user yet. Make one with `skua user create`.")


@user.command()
@click.argument("email")
@options.as_json
@click.pass_obj
def disable(surroundings: Surroundings, *, email: str, as_json: bool) -> None:
    """Keep a user out: sessions end, passwords and API keys don't work any more.

    Their bots go on sending what was begun, and stay theirs.
    """
    with surroundings.session() as session:
        command = DisableUserCommand(email=email, actor=session.actor)
        disabled = session.run(session.get(DisableUser)(command))
    _report(disabled, f"{disabled.login} is disabled and signed out.", as_json=as_json)


@user.command()
@click.argument("email")
@options.as_json
@click.pass_obj
def enable(surroundings: Surroundings, *, email: str, as_json: bool) -> None:
    """Let a disabled user sign in again."""
    with surroundings.session() as session:
        command = EnableUserCommand(email=email, actor=session.actor)
        enabled = session.run(session.get(EnableUser)(command))
    _report(enabled, f"{enabled.login} can sign in again.", as_json=as_json)


def _all(session: Session) -> list[Account]:
    accounts: list[Account] = []
    after = None
    while True:
        page = session.run(session.get(ListUsers)(ListUsersQuery(after=after, limit=_PAGE)))
        accounts += page
        if len(page) < _PAGE:
            return accounts
        after = page[-1].user.login


def _report(about: User, done: str, *, as_json: bool) -> None:
    if as_json:
        say_json(_facts(about))
    else:
        say(done)


def _facts(about: User) -> dict[str, object]:
    """A user as programs see them."""
    return {
        "id": about.id,
        "login": about.login,
        "name": about.name,
        "local_login": about.local_login,
        "disabled_at": about.disabled_at,
        "created_at": about.created_at,
    }


def _state(account: Account) -> str:
    if account.user.disabled_at is not None:
        return "disabled"
    return "shell only" if account.password is None else "active"
