"""Options and questions that several commands share."""

import sys
from collections.abc import Callable
from typing import TypeVar

import rich_click as click

from skua_core.domain.secret import BotToken, Secret

Command = TypeVar("Command", bound=Callable[..., None])

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, for programs."
)
yes = click.option("--yes", "-y", is_flag=True, help="Don't ask.")


def bot(command: Command) -> Command:
    return click.option(
        "--bot",
        "slug",
        metavar="BOT",
        help="The bot's slug; may be left out while you have only one.",
    )(command)


def read_token() -> BotToken:
    """Asked for without showing it, or the first line of standard input. Raises TokenMalformed."""
    if sys.stdin.isatty():
        text = click.prompt("Token from @BotFather (not shown)", hide_input=True, err=True)
    else:
        text = sys.stdin.readline()
    return BotToken(str(text).strip())


def read_new_password() -> Secret:
    """Asked for twice without showing it, or the first line of standard input."""
    if sys.stdin.isatty():
        text = click.prompt(
            "Password (not shown)", hide_input=True, confirmation_prompt="Once more", err=True
        )
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    return Secret(str(text))


def is_asked(*, yes: bool) -> bool:
    """Whether somebody is there to be asked."""
    return not yes and sys.stdin.isatty() and sys.stdout.isatty()
