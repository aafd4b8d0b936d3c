"""What a broadcast will be, before anything of it is sent."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from skua_core.domain.content import (
    CAPTION_LIMIT,
    TEXT_LIMIT,
    CompiledMessage,
    RenderedMessage,
    utf16_length,
)
from skua_core.domain.media import Medium
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Subscriber, SubscriberStatus
from skua_core.errors import SecretUnreadable, SkuaError, TelegramUnavailable
from skua_core.ids import BotId
from skua_core.ports.bot_api import BotApi
from skua_core.ports.clock import Clock
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.ports.renderer import Renderer
from skua_core.ports.repositories import AudiencePart, SubscriberFilter
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.lane_place import LaneSettings

STARS_PER_MESSAGE = 0.1
"""For each message above the free rate (Bot API, ``allow_paid_broadcast``)."""
STARS_NEEDED = 10_000
"""What a bot must own to send above the free rate at all (same place)."""
_SAMPLE = 500
"""Subscribers for whom the message is rendered on trial."""


class PreflightQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    compiled: CompiledMessage
    paid: bool = False
    uploads_follow: bool = False
    """The files of its uploads are still to be handed in."""


class MediumCheck(msgspec.Struct, frozen=True, kw_only=True):
    medium: Medium
    known: bool
    """Telegram has it already; otherwise the first delivery brings it, and the others wait."""
    size: int | None = None
    """In bytes, for an upload."""


class WordingCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One language's wording, ``""`` for the one that everybody else gets."""

    language: str
    recipients: int
    length: int
    """UTF-16 units; the longest among those that were tried."""
    limit: int
    buttons: int
    media: tuple[MediumCheck, ...] = ()
    gaps: Mapping[str, int] = {}
    """For each placeholder without a default, how many recipients have no value for it."""


class StarPrice(msgspec.Struct, frozen=True, kw_only=True):
    stars: int
    """At most: only what arrives above the free rate is charged."""
    balance: int | None
    """None when Telegram could not be asked."""

    @property
    def affordable(self) -> bool | None:
        return None if self.balance is None else self.balance >= max(self.stars, STARS_NEEDED)


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    recipients: int
    excluded: Mapping[SubscriberStatus, int]
    """Subscribers who aren't in the audience, by why."""
    wordings: tuple[WordingCheck, ...]
    rate: float
    """Messages per second that the lane would send at now."""
    seconds: float
    """Until the last has left, if nothing comes in between."""
    wait: float
    """Of those, how long Telegram has asked the bot to wait."""
    price: StarPrice | None
    """None for a free broadcast."""
    tried: int
    """Subscribers for whom it was rendered on trial."""
    unrenderable: Mapping[str, int]
    """How many of those would get nothing, by why."""
    problems: tuple[str, ...]
    """What is sure to stop it."""


class CheckBroadcast:
    """Look at a broadcast before its launch: who gets what, how long it takes, what it costs."""

    def __init__(
        self,
        *,
        storage: TenantStorage,
        lanes: LaneRegistry,
        renderer: Renderer,
        bot_api: BotApi,
        vault: TokenVault,
        clock: Clock,
        settings: LaneSettings,
    ) -> None:
        self._storage = storage
        self._lanes = lanes
        self._renderer = renderer
        self._bot_api = bot_api
        self._vault = vault
        self._clock = clock
        self._rates = settings.rates

    async def __call__(self, query: PreflightQuery) -> Preflight:
        access, compiled = query.access, query.compiled
        wordings = {"": compiled, **compiled.variants}
        async with self._storage.unit(access.bot_id) as unit:
            counts = await unit.audience.by_status()
            parts = await unit.audience.by_wording(
                {language: each.required for language, each in wordings.items()}
            )
            media = {
                language: await _check_media(unit, each.skeleton)
                for language, each in wordings.items()
            }
            sample = await unit.subscribers.page(
                SubscriberFilter(status=SubscriberStatus.ACTIVE), after=None, limit=_SAMPLE
            )
        longest, unrenderable = self._try_out(compiled, sample)
        recipients = counts.pop(SubscriberStatus.ACTIVE, 0)
        rate, wait = await self._pace(access.bot_id, paid=query.paid)
        price = await self._price(access.bot_id, recipients) if query.paid else None
        return Preflight(
            recipients=recipients,
            excluded={status: number for status, number in counts.items() if number},
            wordings=tuple(
                _wording(language, each, parts[language], longest, media[language])
                for language, each in wordings.items()
            ),
            rate=rate,
            seconds=wait + recipients / rate,
            wait=wait,
            price=price,
            tried=len(sample),
            unrenderable=unrenderable,
            problems=tuple(
                _problems(access, recipients, price, {} if query.uploads_follow else media)
            ),
        )

    def _try_out(
        self, compiled: CompiledMessage, sample: Sequence[Subscriber]
    ) -> tuple[dict[str, int], dict[str, int]]:
        """The longest text of each wording, and how many would get nothing, by why."""
        longest: dict[str, int] = {}
        unrenderable: dict[str, int] = {}
        for subscriber in sample:
            values = subscriber.personalisation
            language, _ = compiled.variant(values.language)
            try:
                text = self._renderer.render(compiled, values).text
            except SkuaError as error:
                unrenderable[error.code] = unrenderable.get(error.code, 0) + 1
            else:
                longest[language] = max(longest.get(language, 0), utf16_length(text))
        return longest, unrenderable

    async def _pace(self, bot_id: BotId, *, paid: bool) -> tuple[float, float]:
        """The rate that the lane has learned, and how long it has to wait still."""
        limit = self._rates.of(paid=paid)
        lane = await self._lanes.snapshot(bot_id)
        if lane is None:
            return limit, 0.0
        share = 1.0
        if lane.learned_rate is not None:
            share = min(1.0, lane.learned_rate / self._rates.free)
        wait = 0.0
        if lane.not_before is not None:
            wait = max(0.0, (lane.not_before - self._clock.now()).total_seconds())
        return limit * share, wait

    async def _price(self, bot_id: BotId, recipients: int) -> StarPrice:
        above_free = max(0.0, 1 - self._rates.free / self._rates.paid)
        stars = math.ceil(recipients * above_free * STARS_PER_MESSAGE)
        return StarPrice(stars=stars, balance=await self._balance(bot_id))

    async def _balance(self, bot_id: BotId) -> int | None:
        async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
            sealed: SealedSecret | None = (await unit.bot.secrets()).sealed_token
        if sealed is None:
            return None
        try:
            return await self._bot_api.star_balance(self._vault.unseal_token(bot_id, sealed))
        except (TelegramUnavailable, SecretUnreadable):
            return None


def _wording(
    language: str,
    compiled: CompiledMessage,
    part: AudiencePart,
    longest: Mapping[str, int],
    media: tuple[MediumCheck, ...],
) -> WordingCheck:
    skeleton = compiled.skeleton
    return WordingCheck(
        language=language,
        recipients=part.recipients,
        length=longest.get(language, utf16_length(skeleton.text)),
        limit=CAPTION_LIMIT if skeleton.media or skeleton.copied else TEXT_LIMIT,
        buttons=sum(len(row) for row in skeleton.buttons),
        media=media,
        gaps=part.gaps,
    )


async def _check_media(unit: TenantUnit, skeleton: RenderedMessage) -> tuple[MediumCheck, ...]:
    keys = [medium.key for medium in skeleton.media if medium.key is not None]
    known = await unit.media.file_ids(keys) if keys else {}
    checks = []
    for medium in skeleton.media:
        upload = None if medium.upload is None else await unit.media.get(medium.upload)
        checks.append(
            MediumCheck(
                medium=medium,
                known=medium.key is None or medium.key in known,
                size=None if upload is None else upload.size,
            )
        )
    return tuple(checks)


def _problems(
    access: BotAccess,
    recipients: int,
    price: StarPrice | None,
    media: Mapping[str, tuple[MediumCheck, ...]],
) -> list[str]:
    problems = []
    if access.bot.closed_gate() is not None:
        problems.append(f"the bot may not send ({access.bot.closed_gate()})")
    if not recipients:
        problems.append("nobody would get it: there is no active subscriber")
    if price is not None and price.affordable is False:
        needed = max(price.stars, STARS_NEEDED)
        problems.append(f"the bot has {price.balance} Stars, and {needed} are needed")
    problems.extend(
        f"an uploaded {check.medium.kind} is gone; upload it again"
        for checks in media.values()
        for check in checks
        if check.medium.upload is not None and check.size is None
    )
    return problems
