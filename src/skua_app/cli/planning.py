"""What a broadcast will be, before anything of it is kept."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from skua_app.cli.showing import EXCLUDED
from skua_app.cli.surroundings import Session
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.errors import (
    AudienceEmpty,
    BroadcastAlreadySending,
    SkuaError,
)
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import ListBroadcasts, ListBroadcastsQuery
from skua_core.use_cases.subscribers import CountSubscribers, CountSubscribersQuery

_STARS_PER_MESSAGE = 0.1
"""For each message above the free rate (Bots FAQ, "paid broadcasts")."""
_SOMEBODY = Personalisation(
    first_name="Ana", last_name="Silva", username="ana_silva", language="en"
)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """One wording as somebody would get it."""

    language: str = ""
    """Empty for the message itself."""
    shown_to: str
    message: RenderedMessage


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    previews: tuple[Preview, ...]
    """Of the message, and then of its variants."""
    recipients: int
    left_out: str
    """Who is no recipient, and why; empty when that's nobody."""
    gaps: tuple[str, ...]
    """Placeholders without a default."""
    seconds: float
    stars: int | None


def make_plan(session: Session, access: BotAccess, source: MessageSource, *, paid: bool) -> Plan:
    """Raises what sending would raise for the same reasons, before anything is kept."""
    renderer = session.get(Renderer)
    compiled = renderer.compile(source)
    access.bot.require_open_gates()
    _require_free_slot(session, access)
    counts = session.run(session.get(CountSubscribers)(CountSubscribersQuery(access=access)))
    recipients = counts.get(SubscriberStatus.ACTIVE, 0)
    if not recipients:
        raise AudienceEmpty
    wordings = {"": compiled, **compiled.variants}
    return Plan(
        previews=tuple(_preview(renderer, *wording) for wording in wordings.items()),
        recipients=recipients,
        left_out=_left_out(counts),
        gaps=tuple(sorted({name for each in wordings.values() for name in each.required})),
        seconds=recipients / _rate(session, access, paid=paid),
        stars=_stars(session, recipients) if paid else None,
    )


def _require_free_slot(session: Session, access: BotAccess) -> None:
    recent = session.run(session.get(ListBroadcasts)(ListBroadcastsQuery(access=access)))
    if any(broadcast.status is BroadcastStatus.SENDING for broadcast in recent):
        raise BroadcastAlreadySending


def _preview(renderer: Renderer, language: str, compiled: CompiledMessage) -> Preview:
    alone = replace(compiled, variants={})
    somebody = replace(_SOMEBODY, language=language or _SOMEBODY.language)
    try:
        message, shown_to = (
            renderer.render(alone, somebody),
            f"somebody called {_SOMEBODY.first_name}",
        )
    except SkuaError:
        # A made-up person has no attributes; without them this message may be empty.
        message, shown_to = compiled.skeleton, "somebody without values"
    return Preview(
        language=language,
        shown_to=shown_to if compiled.slots else "everybody",
        message=message,
    )


def _left_out(counts: Mapping[SubscriberStatus, int]) -> str:
    return ", ".join(
        f"{counts[status]:,} {EXCLUDED[status]}"
        for status in SubscriberStatus
        if status is not SubscriberStatus.ACTIVE and counts.get(status)
    )


def _rate(session: Session, access: BotAccess, *, paid: bool) -> float:
    if paid:
        return session.settings.skua_send_rate_paid
    lane = session.run(session.get(LaneRegistry).snapshot(access.bot_id))
    allowed = session.settings.skua_send_rate
    return min(allowed, lane.learned_rate or allowed) if lane is not None else allowed


def _stars(session: Session, recipients: int) -> int:
    free, paid = session.settings.skua_send_rate, session.settings.skua_send_rate_paid
    return round(recipients * _STARS_PER_MESSAGE * max(0.0, 1 - free / paid))
