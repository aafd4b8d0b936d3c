"""``skua auto-message``: campaigns that answer what people do."""

import rich_click as click

from skua_app.cli import options
from skua_app.cli.composing import Draft, MessageCommand, message
from skua_app.cli.keeping import keep_campaign
from skua_app.cli.output import say_json, say_table
from skua_app.cli.plain import note, say
from skua_app.cli.planning import make_previews
from skua_app.cli.previewing import show_messages
from skua_app.cli.surroundings import Session, Surroundings
from skua_core.domain.auto_message import AutoMessage, check_keyword
from skua_core.errors import ResourceNotFound
from skua_core.ids import AutoMessageId, parse_id
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.auto_messages import (
    AddAutoMessage,
    AddAutoMessageCommand,
    AutoMessageCommand,
    ListAutoMessages,
    ListAutoMessagesQuery,
    PauseAutoMessage,
    RemoveAutoMessage,
    ResumeAutoMessage,
)

_PAGE = 200


@click.group("auto-message")
def auto_message() -> None:
    """Answer /start and keywords, ahead of every broadcast."""


@auto_message.command(cls=MessageCommand)
@options.bot
@click.option("--keyword", help="What somebody writes to get it; /start if left out.")
@message
@options.as_json
@click.pass_obj
def add(
    surroundings: Surroundings,
    *,
    slug: str | None,
    keyword: str | None,
    draft: Draft,
    as_json: bool,
) -> None:
    """Answer /start or a keyword with a message.

    A keyword is heard when somebody writes just that, in any case. To change the answer, add it
    again: the campaign behind it gets the new wording.
    """
    wanted = None if keyword is None else check_keyword(keyword)
    with surroundings.session() as session:
        access = session.enter(slug)
        renderer = session.get(Renderer)
        previews = make_previews(renderer, renderer.compile(draft.source))
        former = next((each for each in _all(session, access) if each.keyword == wanted), None)
        kept = keep_campaign(session, access, draft, f"Answer to {wanted or '/start'}")
        if former is None or former.campaign_id != kept.campaign.id:
            command = AddAutoMessageCommand(
                access=access, campaign_id=kept.campaign.id, keyword=keyword
            )
            former = session.run(session.get(AddAutoMessage)(command))
    if as_json:
        say_json(_facts(former))
    else:
        show_messages(previews, draft, access)
        say(f"Answers {_trigger(former)} from now on.")


@auto_message.command("list")
@options.bot
@options.as_json
@click.pass_obj
def list_auto_messages(surroundings: Surroundings, *, slug: str | None, as_json: bool) -> None:
    """Show what a bot answers by itself."""
    with surroundings.session() as session:
        found = _all(session, session.enter(slug))
    if as_json:
        for each in found:
            say_json(_facts(each))
    elif found:
        say_table(
            ("AUTO-MESSAGE", "ANSWERS", "STATUS", "WHY"),
            [
                (each.id, _trigger(each), each.status, each.pause_detail or each.pause_reason)
                for each in found
            ],
        )
    else:
        note("This bot answers nothing by itself. Let it with `skua auto-message add`.")


@auto_message.command()
@click.argument("auto_message_id", metavar="AUTO-MESSAGE")
@options.bot
@click.pass_obj
def pause(surroundings: Surroundings, *, auto_message_id: str, slug: str | None) -> None:
    """Let it answer nothing for the time being."""
    with surroundings.session() as session:
        command = _command(session.enter(slug), auto_message_id)
        paused = session.run(session.get(PauseAutoMessage)(command))
    say(f"{_trigger(paused)} isn't answered until it is resumed.")


@auto_message.command()
@click.argument("auto_message_id", metavar="AUTO-MESSAGE")
@options.bot
@click.pass_obj
def resume(surroundings: Surroundings, *, auto_message_id: str, slug: str | None) -> None:
    """Let it answer again."""
    with surroundings.session() as session:
        command = _command(session.enter(slug), auto_message_id)
        resumed = session.run(session.get(ResumeAutoMessage)(command))
    say(f"{_trigger(resumed)} is answered again.")


@auto_message.command()
@click.argument("auto_message_id", metavar="AUTO-MESSAGE")
@options.bot
@click.pass_obj
def remove(surroundings: Surroundings, *, auto_message_id: str, slug: str | None) -> None:
    """Forget it; its campaign stays."""
    with surroundings.session() as session:
        command = _command(session.enter(slug), auto_message_id)
        session.run(session.get(RemoveAutoMessage)(command))
    say("Removed.")


def _all(session: Session, access: BotAccess) -> list[AutoMessage]:
    use = session.get(ListAutoMessages)
    found: list[AutoMessage] = []
    while True:
        after = found[-1].id if found else None
        page = session.run(use(ListAutoMessagesQuery(access=access, after=after, limit=_PAGE)))
        found += page
        if len(page) < _PAGE:
            return found


def _command(access: BotAccess, text: str) -> AutoMessageCommand:
    auto_message_id = parse_id(AutoMessageId, text)
    if auto_message_id is None:
        raise ResourceNotFound
    return AutoMessageCommand(access=access, auto_message_id=auto_message_id)


def _trigger(auto_message: AutoMessage) -> str:
    return "/start" if auto_message.keyword is None else f'"{auto_message.keyword}"'


def _facts(auto_message: AutoMessage) -> dict[str, object]:
    return {
        "auto_message": auto_message.id,
        "campaign": auto_message.campaign_id,
        "trigger": auto_message.trigger,
        "keyword": auto_message.keyword,
        "status": auto_message.status,
        "pause_reason": auto_message.pause_reason,
        "pause_detail": auto_message.pause_detail,
    }
