"""Which broadcast a command is about."""

import rich_click as click

from skua_app.cli.surroundings import Session
from skua_core.domain.broadcast import Broadcast
from skua_core.errors import ErrorKind, ResourceNotFound, SkuaError
from skua_core.ids import BroadcastId, parse_id
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import (
    BroadcastReportQuery,
    GetBroadcastReport,
    ListBroadcasts,
    ListBroadcastsQuery,
)

reference = click.argument("broadcast_id", metavar="[BROADCAST]", required=False)
"""The newest one if it is left out."""


class NoBroadcastYet(SkuaError):
    kind = ErrorKind.NOT_FOUND
    code = "no-broadcast-yet"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Bot {slug} has sent no broadcast yet.")


def find_broadcast(session: Session, access: BotAccess, text: str | None) -> Broadcast:
    """The one of that id, or the newest. Raises ResourceNotFound and NoBroadcastYet."""
    if text is None:
        query = ListBroadcastsQuery(access=access, limit=1)
        newest = session.run(session.get(ListBroadcasts)(query))
        if not newest:
            raise NoBroadcastYet(access.bot.slug)
        return newest[0]
    broadcast_id = parse_id(BroadcastId, text)
    if broadcast_id is None:
        raise ResourceNotFound
    report = BroadcastReportQuery(access=access, broadcast_id=broadcast_id)
    return session.run(session.get(GetBroadcastReport)(report)).broadcast
