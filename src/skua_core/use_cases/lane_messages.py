"""What a lane sends: messages loaded once, bound to their source, with the media known by name."""

import functools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from skua_core.domain.breaker import Breaker
from skua_core.domain.callbacks import bind
from skua_core.domain.content import CompiledMessage, RenderedMessage
from skua_core.domain.delivery import Claim, ClaimedDelivery
from skua_core.domain.media import MediaUpload, Medium
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import MediumMissing, StorageUnavailable
from skua_core.ids import BotId, BroadcastId, CampaignId, MediaId, SourceId
from skua_core.ports.media_store import MediaStore
from skua_core.ports.messenger import FileSource
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.use_cases.item_stops import Item, ItemKind
from skua_core.use_cases.lane_media import Carriage, LaneMedia


class LaneMessage:
    """One revision of a campaign, as one broadcast sends it."""

    def __init__(
        self,
        item: Item,
        revision: int,
        written: CompiledMessage,
        *,
        unknown_chats_accepted: bool = False,
    ) -> None:
        self.item = item
        self.unknown_chats_accepted = unknown_chats_accepted
        """Somebody has looked: chats that Telegram doesn't know simply fail."""
        self.revision = revision
        self.compiled = written
        """What leaves: with media by ``file_id`` where Telegram has them."""
        self.received: set[str] = set()
        """Tags of the wordings that somebody has received."""
        self.watched = True
        """Whether a success still tells something about it."""
        self.refusals: dict[str, Breaker] = {}
        """By the tag of the wording that was refused."""
        self.not_found = Breaker()
        """Chats that Telegram doesn't know."""
        self.stopped = False
        """Its broadcast was paused because of it. Answers that come late change nothing; what is
        claimed after a resume is loaded, and judged, anew."""
        self._written = written
        self._version: int | None = None
        self.tags = ("", *written.variants)
        wordings = (written, *written.variants.values())
        self.all_media = tuple(each for one in wordings for each in one.skeleton.media)
        self.keys = frozenset(each.key for each in self.all_media if each.key is not None)
        """Of the media that have to be carried once."""

    def hear(self, name: str) -> None:
        """Somebody has received this ``wording``, if it's one of these."""
        number, _, tag = name.partition(":")
        if number == str(self.revision):
            self.received.add(tag)

    def tag(self, language: str) -> str:
        """Of the wording that somebody with this language gets."""
        return self._written.variant(language)[0] if self._written.variants else ""

    def media(self, language: str) -> tuple[Medium, ...]:
        """As they were written."""
        return self._written.variant(language)[1].skeleton.media

    def refer(self, media: LaneMedia) -> None:
        """Follow what is known of the media by now."""
        if self._version == media.version:
            return
        self._version = media.version
        variants = {tag: _referred(each, media) for tag, each in self._written.variants.items()}
        self.compiled = msgspec.structs.replace(_referred(self._written, media), variants=variants)


def _referred(compiled: CompiledMessage, media: LaneMedia) -> CompiledMessage:
    skeleton = compiled.skeleton
    referred = msgspec.structs.replace(skeleton, media=media.referred(skeleton.media))
    return msgspec.structs.replace(compiled, skeleton=referred)


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A claimed delivery with what it takes to send it."""

    delivery: ClaimedDelivery
    token: BotToken
    sealed_token: SealedSecret
    compiled: CompiledMessage | None = None
    """A broadcast's message, to be rendered; else there is ``content``."""
    message: LaneMessage | None = None
    """Where ``compiled`` is from."""
    content: RenderedMessage | None = None
    """A direct message, as it leaves."""
    carriage: Carriage | None = None
    """Media that Telegram has to be given."""

    @property
    def media(self) -> tuple[Medium, ...]:
        """As they were written."""
        if self.message is not None:
            return self.message.media(self.delivery.values.language)
        return () if self.delivery.message is None else self.delivery.message.media


class Prepared(msgspec.Struct, frozen=True):
    ready: list[Outgoing]
    waiting: list[ClaimedDelivery]
    """Their media are being carried by another delivery: they have to be put back."""


class LaneMessages:
    """Loads what a claim needs, once; and lets one delivery carry a medium while others wait."""

    def __init__(
        self, *, storage: TenantStorage, store: MediaStore, media: LaneMedia, bot_id: BotId
    ) -> None:
        self._storage = storage
        self._store = store
        self._media = media
        self._bot_id = bot_id
        self._loaded: dict[tuple[SourceId, int], LaneMessage] = {}
        self._asked: set[str] = set()
        self._uploads: dict[MediaId, MediaUpload | None] = {}

    def being_carried(self) -> bool:
        """Whether the broadcast has to wait for one of its media."""
        return bool(self._media.carriers) and any(
            self._media.carries_any(message.keys) for message in self._loaded.values()
        )

    async def prepare(self, claim: Claim, token: BotToken, sealed: SealedSecret) -> Prepared:
        """Raises StorageUnavailable; nothing is on its way then."""
        await self._load(claim)
        prepared = Prepared([], [])
        for delivery in claim.deliveries:
            message, content = self._message_of(delivery), delivery.message
            if message is not None:
                outgoing = Outgoing(delivery, token, sealed, message.compiled, message)
                plain = not message.keys
            else:
                outgoing = Outgoing(delivery, token, sealed, content=content)
                plain = content is None or not content.media
            if plain:
                prepared.ready.append(outgoing)
            elif (with_media := self._with_media(outgoing)) is not None:
                prepared.ready.append(with_media)
            else:
                prepared.waiting.append(delivery)
        return prepared

    def _with_media(self, outgoing: Outgoing) -> Outgoing | None:
        """None when another delivery is carrying what this one refers to."""
        compiled, content = outgoing.compiled, outgoing.content
        carriage = self._carriage(outgoing.media)
        if carriage is not None:
            keys = [key for key in carriage.keys if key is not None]
            if not self._media.may_carry(keys):
                return None
            self._media.begin(outgoing.delivery.key, keys)
        if outgoing.message is not None:
            outgoing.message.refer(self._media)
            compiled = outgoing.message.compiled
        elif content is not None:
            content = msgspec.structs.replace(content, media=self._media.referred(content.media))
        return msgspec.structs.replace(
            outgoing, compiled=compiled, content=content, carriage=carriage
        )

    def _carriage(self, media: Sequence[Medium]) -> Carriage | None:
        unknown = self._media.unknown(media)
        if not unknown:
            return None
        problem = None
        files = {}
        for medium in unknown:
            if medium.upload is None:
                continue
            upload = self._uploads.get(medium.upload)
            if upload is None:
                problem = str(MediumMissing(medium.upload))
                continue
            read = functools.partial(self._store.read, self._bot_id, medium.upload)
            files[medium.upload] = FileSource(upload.name, upload.size, read)
        missing = {medium.key for medium in unknown}
        keys = tuple(each.key if each.key in missing else None for each in media)
        return Carriage(keys, files, problem)

    def _message_of(self, delivery: ClaimedDelivery) -> LaneMessage | None:
        if delivery.revision is None:
            return None
        return self._loaded[delivery.key.source_id, delivery.revision]

    async def _load(self, claim: Claim) -> None:
        new: dict[tuple[SourceId, int], CampaignId] = {}
        media: list[Medium] = []
        for delivery in claim.deliveries:
            if delivery.campaign_id is not None and delivery.revision is not None:
                where = delivery.key.source_id, delivery.revision
                message = self._loaded.get(where)
                if message is None or message.stopped:
                    new[where] = delivery.campaign_id
            elif delivery.message is not None and delivery.message.media:
                media += delivery.message.media
        if new or any(medium.key not in self._asked for medium in media if medium.key):
            async with self._storage.unit(self._bot_id, UnitKind.LANE) as unit:
                loaded = await self._load_revisions(unit, new)
                media += (medium for message in loaded.values() for medium in message.all_media)
                await self._load_media(unit, media)
            self._keep(loaded)
        for name in claim.received:
            for message in self._loaded.values():
                message.hear(name)

    def _keep(self, loaded: Mapping[tuple[SourceId, int], LaneMessage]) -> None:
        """In place of those of broadcasts that are over."""
        for where, message in loaded.items():
            if (former := self._loaded.get(where)) is not None:
                message.received |= former.received
        sources = {source_id for source_id, _ in loaded}
        if sources:
            kept = {key: each for key, each in self._loaded.items() if key[0] in sources}
            self._loaded = {**kept, **loaded}

    async def _load_revisions(
        self, unit: TenantUnit, new: Mapping[tuple[SourceId, int], CampaignId]
    ) -> dict[tuple[SourceId, int], LaneMessage]:
        loaded = {}
        for (source_id, number), campaign_id in new.items():
            revision = await unit.campaigns.revision(campaign_id, number)
            if revision is None:
                raise StorageUnavailable(f"revision {number} of a campaign is missing")
            broadcast = await unit.broadcasts.get(BroadcastId(source_id))
            loaded[source_id, number] = LaneMessage(
                Item(ItemKind.BROADCAST, source_id),
                number,
                bind(revision.compiled, source_id),
                unknown_chats_accepted=broadcast is not None and broadcast.unknown_chats_accepted,
            )
        return loaded

    async def _load_media(self, unit: TenantUnit, media: Iterable[Medium]) -> None:
        new = {medium.key: medium for medium in media if medium.key not in {None, *self._asked}}
        if not new:
            return
        keys = [key for key in new if key is not None]
        self._media.know(await unit.media.file_ids(keys))
        for medium in new.values():
            if medium.upload is not None:
                self._uploads[medium.upload] = await unit.media.get(medium.upload)
        self._asked.update(keys)
