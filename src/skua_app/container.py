"""What is wired to what: a table. Nothing is chosen at import time."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum

from dishka import (
    AnyOf,
    AsyncContainer,
    Provider,
    Scope,
    from_context,
    make_async_container,
    provide,
    provide_all,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._keys.ring import KeyRing
from skua_adapters._sql.engine import create_engine
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.account_vault.fernet import FernetAccountVault
from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.clock.system import SystemClock
from skua_adapters.email_addresses.email_validator import EmailValidatorEmailAddresses
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.lane_registry.postgres import PostgresLaneRegistry
from skua_adapters.media_store.postgres import PostgresMediaStore
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_adapters.renderer.minijinja import MinijinjaRenderer
from skua_adapters.retention.postgres import PostgresRetention
from skua_adapters.scheduled_jobs.postgres import PostgresScheduledJobs
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage
from skua_adapters.tenant_storage.postgres.turn_groups import PostgresTurnGroups
from skua_adapters.token_vault.fernet import FernetTokenVault
from skua_app.mail import MailProvider
from skua_app.settings import SettingInvalid, Settings, database_url
from skua_app.sharing import OneProcessProvider, SharedProvider
from skua_app.sign_in import SignInProvider
from skua_core.domain.account import Registration
from skua_core.domain.lane import LaneTimes
from skua_core.domain.limits import Limits
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.account_vault import AccountVault
from skua_core.ports.bot_api import BotApi, UpdateSource
from skua_core.ports.clock import Clock
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.media_store import MediaStore
from skua_core.ports.messenger import Messenger
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.platform_storage import BotDirectory, LaneRegistry, PlatformStorage
from skua_core.ports.renderer import Renderer
from skua_core.ports.retention import KeptMonths, Retention
from skua_core.ports.scheduled_jobs import ScheduledJobs
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.ports.token_vault import TokenVault
from skua_core.ports.turn_groups import TurnGroups
from skua_core.use_cases.access import EnterBot
from skua_core.use_cases.accounts.chats import LinkedChats
from skua_core.use_cases.accounts.codes import Codes
from skua_core.use_cases.accounts.data import EraseAccount, ExportAccount
from skua_core.use_cases.accounts.email_change import ConfirmEmailChange, RequestEmailChange
from skua_core.use_cases.accounts.forgetting import ForgetEnded
from skua_core.use_cases.accounts.operators import (
    CreateUser,
    DisableUser,
    EnableUser,
    ListUsers,
)
from skua_core.use_cases.accounts.passwords import ChangePassword, ForgotPassword, ResetPassword
from skua_core.use_cases.accounts.registration import (
    Register,
    RegistrationMail,
    ResendCode,
    VerifyRegistration,
)
from skua_core.use_cases.aftermath import Aftermath, HarmLimits
from skua_core.use_cases.arrivals import Arrivals
from skua_core.use_cases.audit import ReadAudit, VerifyAudit
from skua_core.use_cases.auto_messages import (
    AddAutoMessage,
    ListAutoMessages,
    PauseAutoMessage,
    RemoveAutoMessage,
    ResumeAutoMessage,
)
from skua_core.use_cases.bots import (
    AddBot,
    ListBots,
    RemoveBot,
    RemoveToken,
    SetReadOnly,
    SetToken,
)
from skua_core.use_cases.broadcast_reports import (
    ExportRecipients,
    GetBroadcastReport,
    ListBroadcasts,
    WatchBroadcast,
)
from skua_core.use_cases.broadcasts import (
    CancelBroadcast,
    InterruptUnserved,
    PauseBroadcast,
    ResumeBroadcast,
    SendBroadcast,
)
from skua_core.use_cases.campaigns import (
    ComposeCampaign,
    EditCampaign,
    GetCampaign,
    ListCampaigns,
    PreviewCampaign,
)
from skua_core.use_cases.gathered_turns import GatheredTurns
from skua_core.use_cases.intake import AuthenticateWebhook, ReceiveUpdate
from skua_core.use_cases.item_stops import PauseItem
from skua_core.use_cases.lane_place import LaneSettings
from skua_core.use_cases.lanes import AcquireLane, ServeLane
from skua_core.use_cases.media import FindUpload, RemoveOrphanedMedia, UploadMedia
from skua_core.use_cases.polling import PollUpdates
from skua_core.use_cases.preflight import CheckBroadcast
from skua_core.use_cases.replies import Replies
from skua_core.use_cases.resends import ResendBroadcast
from skua_core.use_cases.retention import ApplyRetention
from skua_core.use_cases.subscribers import CountSubscribers, ImportSubscribers, ListSubscribers
from skua_core.use_cases.tests_to_oneself import LinkChat, SendTest
from skua_core.use_cases.tokens import TokenFailed
from skua_core.use_cases.webhooks import RepairWebhook, UpdateRoute
from skua_worker.orphaned_media import OrphanedMedia
from skua_worker.poller import UpdatePoller, WebhookRepairer
from skua_worker.runner import LaneRunner, RunnerSettings
from skua_worker.unserved import UnservedBroadcasts


class QueueKind(StrEnum):
    IN_PROCESS = "in_process"
    """Whoever makes work and whoever does it are one process."""
    SHARED = "shared"
    """They are processes of their own, which meet in the database and in Redis."""


class SystemProvider(Provider):
    scope = Scope.APP
    settings = from_context(provides=Settings, scope=Scope.APP)
    clock = provide(SystemClock, provides=Clock)
    ids = provide(Uuid7IdFactory, provides=IdFactory)
    renderer = provide(MinijinjaRenderer, provides=Renderer)
    email_addresses = provide(EmailValidatorEmailAddresses, provides=EmailAddresses)
    vault = provide(FernetTokenVault, provides=TokenVault)
    account_vault = provide(FernetAccountVault, provides=AccountVault)

    @provide
    def ring(self, settings: Settings) -> KeyRing:
        if settings.web_secret_key is None:
            raise SettingInvalid("WEB_SECRET_KEY", "it isn't set, and tokens are sealed with it")
        return KeyRing.from_settings(settings.web_secret_key, settings.web_secret_keys_old)

    @provide
    def lane_settings(self, settings: Settings) -> LaneSettings:
        return settings.lanes

    @provide
    def lane_times(self, settings: Settings) -> LaneTimes:
        return settings.lane_times

    @provide
    def password_hasher(self) -> Iterator[PasswordHasher]:
        hasher = BcryptPasswordHasher()
        yield hasher
        hasher.close()

    @provide
    def limits(self, settings: Settings) -> Limits:
        return settings.limits

    @provide
    def registration(self, settings: Settings) -> Registration:
        return settings.skua_registration


class PostgresProvider(Provider):
    scope = Scope.APP
    tenants = provide(PostgresTenantStorage, provides=TenantStorage)
    accounts = provide(PostgresAccountStorage, provides=AccountStorage)
    platform = provide(PostgresPlatformStorage, provides=AnyOf[PlatformStorage, BotDirectory])
    registry = provide(PostgresLaneRegistry, provides=LaneRegistry)
    turns = provide(PostgresTurnGroups, provides=TurnGroups)
    media_store = provide(PostgresMediaStore, provides=MediaStore)
    retention = provide(PostgresRetention, provides=Retention)
    scheduled_jobs = provide(PostgresScheduledJobs, provides=ScheduledJobs)

    @provide
    async def engine(self, settings: Settings) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(database_url(settings), pooled=settings.skua_database_pooled)
        yield engine
        await engine.dispose()


class TelegramProvider(Provider):
    scope = Scope.APP

    @provide
    async def messenger(self, settings: Settings) -> AsyncIterator[Messenger]:
        messenger = TelegramMessenger(
            TelegramMessengerSettings(api_base=settings.skua_telegram_api_base)
        )
        yield messenger
        await messenger.close()

    @provide
    async def bot_api(self, settings: Settings) -> AsyncIterator[TelegramBotApi]:
        bot_api = TelegramBotApi(
            TelegramBotApiSettings(
                api_base=settings.skua_telegram_api_base,
                allow_local_webhooks=settings.local_telegram,
            )
        )
        yield bot_api
        await bot_api.close()

    @provide
    def management(self, bot_api: TelegramBotApi) -> BotApi:
        return bot_api

    @provide
    def updates(self, bot_api: TelegramBotApi) -> UpdateSource:
        return bot_api


class UseCaseProvider(Provider):
    scope = Scope.APP
    people = provide_all(
        EnterBot, Arrivals, Replies, Aftermath, AuthenticateWebhook, ReceiveUpdate, PollUpdates
    )
    bots = provide_all(AddBot, ListBots, SetToken, RemoveToken, RemoveBot, SetReadOnly)
    tokens = provide_all(TokenFailed, RepairWebhook)
    subscribers = provide_all(ListSubscribers, CountSubscribers)
    campaigns = provide_all(
        ComposeCampaign, EditCampaign, GetCampaign, ListCampaigns, PreviewCampaign
    )
    media = provide_all(UploadMedia, FindUpload, RemoveOrphanedMedia)
    broadcasts = provide_all(
        SendBroadcast,
        PauseBroadcast,
        ResumeBroadcast,
        CancelBroadcast,
        ResendBroadcast,
        InterruptUnserved,
        PauseItem,
        CheckBroadcast,
    )
    auto_messages = provide_all(
        AddAutoMessage, ListAutoMessages, PauseAutoMessage, ResumeAutoMessage, RemoveAutoMessage
    )
    tests = provide_all(LinkChat, SendTest)
    reports = provide_all(GetBroadcastReport, ListBroadcasts, WatchBroadcast, ExportRecipients)
    audit = provide_all(ReadAudit, VerifyAudit)
    apply_retention = provide(ApplyRetention)
    registration = provide_all(Codes, RegistrationMail, Register, ResendCode, VerifyRegistration)
    passwords = provide_all(ForgotPassword, ResetPassword, ChangePassword)
    email_change = provide_all(RequestEmailChange, ConfirmEmailChange)
    operators = provide_all(CreateUser, ListUsers, DisableUser, EnableUser)
    data = provide_all(LinkedChats, ExportAccount, EraseAccount)
    forget_ended = provide(ForgetEnded)

    @provide
    def kept_months(self, settings: Settings) -> KeptMonths:
        return settings.kept_months

    @provide
    def harm_limits(self, settings: Settings) -> HarmLimits:
        return HarmLimits(share=settings.skua_harm_share, after=settings.skua_harm_after)

    @provide
    def importing(self, storage: TenantStorage, clock: Clock, ids: IdFactory) -> ImportSubscribers:
        return ImportSubscribers(storage=storage, clock=clock, ids=ids)

    @provide
    def route(
        self, storage: TenantStorage, bot_api: BotApi, vault: TokenVault, settings: Settings
    ) -> UpdateRoute:
        return UpdateRoute(
            storage=storage, bot_api=bot_api, vault=vault, public_url=settings.skua_public_url
        )


class WorkerProvider(Provider):
    scope = Scope.APP
    lanes = provide_all(
        AcquireLane,
        GatheredTurns,
        ServeLane,
        LaneRunner,
        UpdatePoller,
        UnservedBroadcasts,
        OrphanedMedia,
    )

    @provide
    def runner_settings(self, settings: Settings) -> RunnerSettings:
        return RunnerSettings(
            holder=settings.skua_holder or make_holder(),
            places=settings.skua_worker_lanes,
            lanes=settings.lanes,
        )

    @provide
    def repairer(
        self, platform: PlatformStorage, repair: RepairWebhook, settings: Settings
    ) -> WebhookRepairer:
        public = settings.skua_public_url is not None
        return WebhookRepairer(platform=platform, repair=repair, public=public)


def make_container(
    settings: Settings, *, queue: QueueKind = QueueKind.SHARED, more: tuple[Provider, ...] = ()
) -> AsyncContainer:
    """Everything that one process needs; ``more`` adds to what stands here, or overrides it."""
    return make_async_container(
        SystemProvider(),
        PostgresProvider(),
        TelegramProvider(),
        OneProcessProvider() if queue is QueueKind.IN_PROCESS else SharedProvider(),
        MailProvider(),
        SignInProvider(),
        UseCaseProvider(),
        WorkerProvider(),
        *more,
        context={Settings: settings},
    )


def make_holder() -> str:
    """A name that no other process has, now or later."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
