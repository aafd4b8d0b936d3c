"""``skua broadcast reword``: another wording for those who haven't got it yet."""

import rich_click as click

from skua_app.cli import options
from skua_app.cli.composing import Draft, MessageCommand, message
from skua_app.cli.keeping import reword_campaign
from skua_app.cli.output import say_json
from skua_app.cli.plain import say
from skua_app.cli.planning import make_previews
from skua_app.cli.previewing import show_messages
from skua_app.cli.selecting import find_broadcast, reference
from skua_app.cli.surroundings import Surroundings
from skua_core.ports.renderer import Renderer


@click.command(cls=MessageCommand)
@reference
@options.bot
@message
@options.as_json
@click.pass_obj
def reword(
    surroundings: Surroundings,
    *,
    broadcast_id: str | None,
    slug: str | None,
    draft: Draft,
    as_json: bool,
) -> None:
    """Write a broadcast's message anew.

    What is being sent stays as it is: a broadcast is bound to the wording it began with. Once it
    is paused, `skua broadcast resume --newest` sends the new one to whoever is left.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        renderer = session.get(Renderer)
        previews = make_previews(renderer, renderer.compile(draft.source))
        kept = reword_campaign(session, access, draft, found.campaign_id)
    if as_json:
        say_json(
            {"broadcast": found.id, "campaign": kept.campaign.id, "revision": kept.revision.number}
        )
    else:
        show_messages(previews, draft, access)
        say("`skua broadcast resume --newest` sends this to whoever is left, once it is paused.")
