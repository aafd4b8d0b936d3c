"""Take updates in: from whom they really are, once each, none lost."""

import logging
from enum import StrEnum
from uuid import UUID

import msgspec

from skua_core.domain.bot import is_public_id
from skua_core.domain.secret import Secret, WebhookSecret
from skua_core.domain.update import CallbackPressed, Update
from skua_core.errors import BotForbidden, StorageUnavailable, UpdateUnreadable, WebhookForbidden
from skua_core.faults import fault
from skua_core.ids import BotId
from skua_core.ports.bot_api import UpdateSource
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.aftermath import Aftermath
from skua_core.use_cases.arrivals import Arrivals, CallbackReply, callback_reply, find_action

_log = logging.getLogger(__name__)
_TRIES = 2
"""What fails twice in a row will fail the third time too."""
_LONGEST_PROBLEM = 500
_NOBODY = BotId(UUID(int=0))
_NO_FINGERPRINT = bytes(32)


class AuthenticateWebhookQuery(msgspec.Struct, frozen=True, kw_only=True):
    public_id: str
    tag: Secret
    """The last part of the address, as it came."""
    secret: WebhookSecret | None
    """The header X-Telegram-Bot-Api-Secret-Token, as it came; None when there was none."""


class AuthenticateWebhook:
    """Only Telegram, which alone was told both, knows a bot's secret and the tag made from it.

    Whatever is wrong, the refusal is the same and takes the same steps, for a bot that doesn't
    exist too.
    """

    def __init__(
        self, *, platform: PlatformStorage, storage: TenantStorage, vault: TokenVault
    ) -> None:
        self._platform = platform
        self._storage = storage
        self._vault = vault

    async def __call__(self, query: AuthenticateWebhookQuery) -> BotId:
        """Raises WebhookForbidden."""
        found = None
        if is_public_id(query.public_id):
            found = await self._platform.find_by_public_id(query.public_id)
        bot_id = _NOBODY if found is None else found
        async with self._storage.unit(bot_id, UnitKind.INBOUND) as unit:
            known = (await unit.bot.secrets()).webhook_fingerprint
        secret = query.secret or WebhookSecret("")
        tag = query.tag.reveal().encode(errors="surrogatepass")
        secret_fits = self._vault.recognise(bot_id, secret, known or _NO_FINGERPRINT)
        tag_fits = self._vault.recognise_tag(bot_id, secret, tag)
        if found is None or not known or not secret.reveal() or not (secret_fits and tag_fits):
            raise WebhookForbidden
        return found


class ReceiveUpdateCommand(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    raw: bytes
    update_id: int | None = None
    """Where the caller knows it otherwise than from ``raw``."""


class IntakeOutcome(StrEnum):
    TAKEN = "taken"
    DUPLICATE = "duplicate"
    SET_ASIDE = "set_aside"
    """It can't be processed; it is kept for a person to look at, and must not be sent again."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    outcome: IntakeOutcome
    callback: CallbackReply | None = None
    """The answer to a button press, for which Telegram waits whether or not it came before."""


class ReceiveUpdate:
    """Take one update in, exactly once: what it says and that it was here, in one transaction.

    An update that can't be processed is set aside, because Telegram holds back everything else
    from that chat until it is acknowledged. When the database is away nothing is acknowledged:
    Telegram brings the update again.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        source: UpdateSource,
        queue: JobQueue,
        arrivals: Arrivals,
        aftermath: Aftermath,
    ) -> None:
        self._storage = storage
        self._source = source
        self._queue = queue
        self._arrivals = arrivals
        self._aftermath = aftermath

    async def __call__(self, command: ReceiveUpdateCommand) -> Received:
        """Raises StorageUnavailable, and BotForbidden when the bot is gone."""
        update_id = command.update_id
        problem: Exception | None = None
        for _ in range(_TRIES):
            try:
                update = self._source.read_update(command.raw)
                update_id = update.update_id
                return await self._take_in(command.bot_id, update)
            except UpdateUnreadable as unreadable:
                problem = unreadable
                if unreadable.update_id is not None:
                    update_id = unreadable.update_id
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, it mustn't stop the queue
                _pass_on_outages(error)
                problem = error
        _log.error(
            "Update %s of bot %s was set aside.", update_id, command.bot_id, exc_info=problem
        )
        return await self._set_aside(command, update_id, _describe(problem))

    async def _take_in(self, bot_id: BotId, update: Update) -> Received:
        async with self._storage.unit(bot_id, UnitKind.INBOUND) as unit:
            # A bot that was removed while its updates were on their way must leave nothing behind.
            await unit.bot.get()
            if not await unit.updates.record(update.update_id):
                return Received(
                    outcome=IntakeOutcome.DUPLICATE, callback=await _answer_again(unit, update)
                )
            await fault("webhook.after_insert")
            arrived = await self._arrivals.apply(unit, update)
            await unit.commit()
        if arrived.has_work:
            await self._queue.wake(bot_id)
        if update.chat_id is not None:
            await self._aftermath(bot_id, update.chat_id, arrived)
        return Received(outcome=IntakeOutcome.TAKEN, callback=arrived.callback)

    async def _set_aside(
        self, command: ReceiveUpdateCommand, update_id: int | None, problem: str
    ) -> Received:
        async with self._storage.unit(command.bot_id, UnitKind.INBOUND) as unit:
            await unit.bot.get()
            if update_id is not None and not await unit.updates.record(update_id):
                return Received(outcome=IntakeOutcome.DUPLICATE)
            await unit.updates.set_aside(update_id, command.raw, problem)
            await unit.commit()
        return Received(outcome=IntakeOutcome.SET_ASIDE)


async def _answer_again(unit: TenantUnit, update: Update) -> CallbackReply | None:
    event = update.event
    if not isinstance(event, CallbackPressed) or update.chat_id is None:
        return None
    return callback_reply(event, await find_action(unit, update.chat_id, event))


def _pass_on_outages(error: Exception) -> None:
    """Raise what is no fault of the update: it will be well another time."""
    if isinstance(error, StorageUnavailable | BotForbidden):
        raise error
    if isinstance(error, OSError):
        raise StorageUnavailable(type(error).__name__) from error


def _describe(problem: Exception | None) -> str:
    """In ASCII: something of the update may be in the text, and not all text can be stored."""
    text = ascii(f"{type(problem).__name__}: {problem}")
    return text[1 : _LONGEST_PROBLEM + 1].removesuffix("'")
