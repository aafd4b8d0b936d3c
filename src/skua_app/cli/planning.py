"""What a broadcast will be, before anything of it is kept."""

import msgspec
from msgspec.structs import replace

from skua_app.cli.surroundings import Session
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)
from skua_core.errors import (
    AudienceEmpty,
    BroadcastAlreadySending,
    ErrorKind,
    SkuaError,
)
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import ListBroadcasts, ListBroadcastsQuery
from skua_core.use_cases.preflight import CheckBroadcast, Preflight, PreflightQuery

_SOMEBODY = Personalisation(
    first_name="Ana", last_name="Silva", username="ana_silva", language="en"
)


class SureToFail(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "sure-to-fail"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(f"This can't be sent: {'; '.join(problems)}.")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """One wording as somebody would get it."""

    language: str = ""
    """Empty for the message itself."""
    shown_to: str
    message: RenderedMessage


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    previews: tuple[Preview, ...]
    """Of the message, and then of its variants."""
    preflight: Preflight


def make_plan(session: Session, access: BotAccess, source: MessageSource, *, paid: bool) -> Plan:
    """Raises what sending would raise for the same reasons, before anything is kept."""
    renderer = session.get(Renderer)
    compiled = renderer.compile(source)
    access.bot.require_open_gates()
    _require_free_slot(session, access)
    query = PreflightQuery(access=access, compiled=compiled, paid=paid, uploads_follow=True)
    preflight = session.run(session.get(CheckBroadcast)(query))
    if not preflight.recipients:
        raise AudienceEmpty
    if preflight.problems:
        raise SureToFail(preflight.problems)
    return Plan(previews=make_previews(renderer, compiled), preflight=preflight)


def make_previews(renderer: Renderer, compiled: CompiledMessage) -> tuple[Preview, ...]:
    wordings = {"": compiled, **compiled.variants}
    return tuple(_preview(renderer, *wording) for wording in wordings.items())


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
