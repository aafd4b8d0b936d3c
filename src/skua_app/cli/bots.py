"""``skua bot``: the bots of the person at the keyboard."""

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.output import say_json, say_table
from skua_app.cli.plain import note, say, tell
from skua_app.cli.showing import UPDATES
from skua_app.cli.surroundings import Surroundings
from skua_core.domain.bot import Bot, WebhookState
from skua_core.use_cases.bots import (
    AddBot,
    AddBotCommand,
    RemoveBot,
    RemoveBotCommand,
    RemoveToken,
    RemoveTokenCommand,
    SetToken,
    SetTokenCommand,
)
from skua_core.use_cases.tests_to_oneself import LinkChat
from skua_core.use_cases.webhooks import Connected

_INCOMPLETE = 1


@click.group()
def bot() -> None:
    """Connect Telegram bots, change their tokens, let them go."""


@bot.command()
@click.argument("slug")
@click.option("--name", help="What people here call it; the slug if left out.")
@click.option("--without-token", is_flag=True, help="Prepare a place; its token comes later.")
@options.as_json
@click.pass_obj
def add(
    surroundings: Surroundings,
    *,
    slug: str,
    name: str | None,
    without_token: bool,
    as_json: bool,
) -> None:
    """Connect a bot under a short name.

    SLUG is a wish: five random characters are added, and what comes out is the bot's name in all
    other commands. The token is asked for, or read from standard input. Exit code 1 says that the
    bot is connected, but Telegram could not be told where to send its updates.
    """
    token = None if without_token else options.read_token()
    with surroundings.session() as session:
        connected = session.run(
            session.get(AddBot)(
                AddBotCommand(
                    actor=session.actor,
                    owner_id=session.user_id,
                    slug=slug,
                    name=slug if name is None else name,
                    token=token,
                )
            )
        )
    _report(connected, f"Connected {_describe(connected.bot)}.", as_json=as_json)


@bot.command("list")
@options.as_json
@click.pass_obj
def list_bots(surroundings: Surroundings, *, as_json: bool) -> None:
    """Show your bots, and whether each can send and hear."""
    with surroundings.session() as session:
        bots = session.bots()
    if as_json:
        for each in bots:
            say_json(facts(each))
    elif bots:
        say_table(
            ("BOT", "NAME", "TELEGRAM", "TOKEN", "UPDATES", "READ-ONLY"),
            [
                (
                    each.slug,
                    each.name,
                    at(each.telegram_username),
                    each.token_state,
                    UPDATES[each.webhook_state],
                    each.read_only,
                )
                for each in bots
            ],
        )
    else:
        note("You have no bot yet. Connect one with `skua bot add`.")


@bot.command()
@click.argument("slug", metavar="BOT")
@click.option("--remove", is_flag=True, help="Forget the token instead: nothing more is sent.")
@options.as_json
@click.pass_obj
def token(surroundings: Surroundings, *, slug: str, remove: bool, as_json: bool) -> None:
    """Give a bot its token, or a new one of the same Telegram bot.

    The token is asked for, or read from standard input. Exit code 1 says that it is stored, but
    Telegram could not be told where to send the bot's updates.
    """
    given = None if remove else options.read_token()
    with surroundings.session() as session:
        access = session.enter(slug)
        if given is None:
            done = f"Forgot the token of {slug}: it sends and hears nothing any more."
            work = session.get(RemoveToken)(RemoveTokenCommand(access=access))
        else:
            done = f"{slug} has a working token."
            work = session.get(SetToken)(SetTokenCommand(access=access, token=given))
        connected = session.run(work)
    _report(connected, done, as_json=as_json)


@bot.command()
@click.argument("slug", metavar="BOT")
@options.yes
@options.as_json
@click.pass_obj
def remove(surroundings: Surroundings, *, slug: str, yes: bool, as_json: bool) -> None:
    """Forget a bot with its subscribers, campaigns and broadcasts; only its audit log stays."""
    with surroundings.session() as session:
        access = session.enter(slug)
        if options.is_asked(yes=yes):
            click.confirm(
                f"Forget {_describe(access.bot)} and everything in it? There is no way back",
                abort=True,
                err=True,
            )
        elif not yes:
            raise click.UsageError("There is no way back from this: add --yes if you mean it.")
        connected = session.run(session.get(RemoveBot)(RemoveBotCommand(access=access)))
    _report(connected, f"Removed {slug}.", as_json=as_json)


@bot.command()
@options.bot
@options.as_json
@click.pass_obj
def link(surroundings: Surroundings, *, slug: str | None, as_json: bool) -> None:
    """Link your own chat with a bot, so that tests come to you.

    Open the link in Telegram and press Start. It works once, within 15 minutes; a new one makes
    the former useless.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        code = session.run(session.get(LinkChat)(access))
    if as_json:
        say_json({"bot": access.bot.slug, "code": code.code, "url": code.url})
    else:
        say(f"Open {code.url}")
        say(f"or send the bot this: /start {code.code}")


def facts(bot: Bot) -> dict[str, object]:
    """A bot as programs see it."""
    return {
        "slug": bot.slug,
        "name": bot.name,
        "telegram_id": bot.telegram_id,
        "telegram_username": bot.telegram_username,
        "token_state": bot.token_state,
        "webhook_state": bot.webhook_state,
        "read_only": bot.read_only,
        "created_at": bot.created_at,
    }


def at(username: str | None) -> str | None:
    return None if username is None else f"@{username}"


def _describe(bot: Bot) -> str:
    return bot.slug if bot.telegram_username is None else f"{bot.slug} (@{bot.telegram_username})"


def _report(connected: Connected, done: str, *, as_json: bool) -> None:
    problem = connected.webhook_problem
    if as_json:
        say_json(facts(connected.bot) | {"problem": None if problem is None else str(problem)})
    else:
        say(done)
        if connected.bot.webhook_state is WebhookState.POLLING:
            say("Its updates are fetched while `skua up` runs.")
    if problem is not None:
        tell(f"Telegram could not be told: {problem}")
        raise Exit(_INCOMPLETE)
