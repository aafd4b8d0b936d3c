"""What the operator sets, read from the environment and checked before anything starts."""

import os
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from platformdirs import user_data_path

from skua_adapters.bot_api.public_url import check_public_url
from skua_adapters.mailer.smtp_server import SmtpServer, parse_sender
from skua_app.limit_settings import read_bucket
from skua_core.domain.account import Registration
from skua_core.domain.lane import LaneTimes
from skua_core.domain.limits import Limits
from skua_core.errors import ErrorKind, SkuaError
from skua_core.faults import POINTS, Fault, FaultPlan
from skua_core.ports.retention import KeptMonths
from skua_core.use_cases.lane_place import LaneSettings, SendRates
from skua_http.networks import Networks, parse_networks, parse_proxies
from skua_http.origins import parse_origins

TELEGRAM = "https://api.telegram.org"
LANE_PREFIX = "SKUA_LANE_"
LIMIT_PREFIX = "SKUA_LIMIT_"


class SettingInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "setting-invalid"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}.")
        self.name = name


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


Rate = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is the variable of the same name in capitals."""

    web_secret_key: str | None = None
    web_secret_keys_old: str = ""
    skua_public_url: str | None = None
    web_allowed_ips: Networks | None = None
    """Who may come in; None for everybody."""
    skua_trusted_proxies: Networks = ()
    """Whose word is taken for where a request comes from."""
    skua_allowed_origins: tuple[str, ...] = ()
    """Other origins whose pages may do what ours may."""
    skua_registration: Registration = Registration.OPEN
    skua_smtp_url: SmtpServer | None = None
    """Where mails leave through."""
    skua_mail_from: Address | None = None
    skua_session_absolute_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90
    """However often a session is used, it ends after so long."""
    skua_database_url: str | None = None
    skua_database_owner_url: str | None = None
    skua_database_pooled: bool = False
    skua_redis_url: str | None = None
    """Where jobs are queued for workers; without it they are announced through the database."""
    skua_telegram_api_base: str = TELEGRAM
    skua_send_rate: Rate = 30.0
    skua_send_rate_paid: Rate = 1000.0
    skua_harm_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.05
    """A broadcast is paused when more than this share of those who got it block the bot."""
    skua_harm_after: Annotated[int, msgspec.Meta(ge=1)] = 200
    """Nothing is concluded from fewer who got it."""
    skua_keep_deliveries: Annotated[int, msgspec.Meta(ge=1)] = 13
    """Whole months beside the current one; then only the totals of broadcasts are kept."""
    skua_keep_updates: Annotated[int, msgspec.Meta(ge=2)] = 2
    """As above. A repeated update is recognised over the end of a month, hence two at least."""
    skua_data_dir: Path = Path()
    skua_worker_lanes: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500
    """How many bots one worker process serves at a time."""
    skua_log: LogFormat = LogFormat.CONSOLE
    skua_holder: str | None = None
    """Names this process in the lanes it holds; the supervisor of embedded mode sets it."""
    skua_faults: str = ""
    """For tests: ``{"seed": 1, "points": {"claim.after_commit": {"action": "kill"}}}``."""
    lane_times: LaneTimes = LaneTimes()
    """``SKUA_LANE_HEARTBEAT`` and kin, in seconds."""
    limits: Limits = Limits()
    """``SKUA_LIMIT_LOGIN_IP`` and kin, such as ``20/5s``."""

    def __repr__(self) -> str:
        # Keys and passwords are among them.
        return "Settings(***)"

    @property
    def lanes(self) -> LaneSettings:
        return LaneSettings(
            times=self.lane_times,
            rates=SendRates(free=self.skua_send_rate, paid=self.skua_send_rate_paid),
            poll=self.lane_times.patience,
        )

    @property
    def kept_months(self) -> KeptMonths:
        return KeptMonths(deliveries=self.skua_keep_deliveries, updates=self.skua_keep_updates)

    @property
    def local_telegram(self) -> bool:
        """Whether "Telegram" is a simulator on this machine, which also calls plain-http URLs."""
        return self.skua_telegram_api_base.startswith("http://127.0.0.1:")

    def fault_plan(self) -> FaultPlan | None:
        if not self.skua_faults:
            return None
        try:
            plan = msgspec.json.decode(self.skua_faults, type=_Faults)
        except msgspec.MsgspecError as error:
            raise SettingInvalid("SKUA_FAULTS", str(error)) from None
        unknown = sorted(set(plan.points) - POINTS)
        if unknown:
            raise SettingInvalid("SKUA_FAULTS", f"there is no point {', '.join(unknown)}")
        return FaultPlan(plan.points, seed=plan.seed)


class _Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    points: dict[str, Fault]
    seed: int = 0


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises SettingInvalid, which names the variable and says why, and PublicUrlUnfit.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        text = environ.get(field.name.upper(), "").strip()
        if text:
            values[field.name] = _convert(field.name.upper(), text, field.type)
    values.setdefault("skua_data_dir", default_data_dir())
    values["lane_times"] = _lane_times(environ)
    values["limits"] = _limits(environ)
    settings = Settings(**values)
    _check_urls(settings)
    if settings.skua_smtp_url is not None and settings.skua_mail_from is None:
        raise SettingInvalid("SKUA_MAIL_FROM", "it isn't set, and mails need somebody to be from")
    return settings


def database_url(settings: Settings) -> str:
    if settings.skua_database_url is None:
        raise SettingInvalid("SKUA_DATABASE_URL", "it isn't set, and no embedded database runs")
    return settings.skua_database_url


def default_data_dir() -> Path:
    """``/var/lib/skua`` as root, the user's own data folder otherwise."""
    return Path("/var/lib/skua") if os.geteuid() == 0 else user_data_path("skua")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "WEB_ALLOWED_IPS": parse_networks,
    "SKUA_TRUSTED_PROXIES": parse_proxies,
    "SKUA_ALLOWED_ORIGINS": parse_origins,
    "SKUA_SMTP_URL": SmtpServer.parse,
    "SKUA_MAIL_FROM": parse_sender,
}
"""Of variables that are written in a way of their own."""


def _convert(name: str, text: str, kind: Any) -> Any:
    if name in _READERS:
        try:
            return _READERS[name](text)
        except ValueError as error:
            raise SettingInvalid(name, str(error)) from None
    if kind is Path:
        return Path(text).expanduser()
    if kind is not bool and text.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise SettingInvalid(name, f"{text!r} is not a number that can be used")
    lowered = text.lower()
    value = {"yes": "true", "no": "false", "on": "true", "off": "false"}.get(lowered, text)
    try:
        return msgspec.convert(value if kind is bool else text, kind, strict=False)
    except msgspec.ValidationError as error:
        problem = f"{str(error)[0].lower()}{str(error)[1:]}"
        for technical, plain in _PLAIN.items():
            if technical in problem:
                problem = f"{text!r} is not {plain}"
        raise SettingInvalid(name, problem) from None


_PLAIN = {
    "expected `float`, got `str`": "a number",
    "expected `int`, got `str`": "a whole number",
    "expected `bool`, got `str`": "yes or no",
}
"""What msgspec says of a type, as a person would."""


def _lane_times(environ: Mapping[str, str]) -> LaneTimes:
    values = {}
    known = {field.name for field in msgspec.structs.fields(LaneTimes)}
    for name, text in environ.items():
        if not name.startswith(LANE_PREFIX):
            continue
        field = name.removeprefix(LANE_PREFIX).lower()
        if field not in known:
            raise SettingInvalid(name, f"there is none; known are {', '.join(sorted(known))}")
        values[field] = _convert(name, text, float)
    try:
        return LaneTimes(**values)
    except ValueError as error:
        raise SettingInvalid(f"{LANE_PREFIX}*", str(error)) from None


def _limits(environ: Mapping[str, str]) -> Limits:
    buckets = {}
    known = {
        f"{LIMIT_PREFIX}{field.name.upper()}": field for field in msgspec.structs.fields(Limits)
    }
    for name, text in environ.items():
        if not name.startswith(LIMIT_PREFIX) or not text.strip():
            continue
        if name not in known:
            raise SettingInvalid(name, f"there is none; known are {', '.join(sorted(known))}")
        field = known[name]
        try:
            buckets[field.name] = read_bucket(field.default.name, text)
        except ValueError as error:
            raise SettingInvalid(name, str(error)) from None
    return Limits(**buckets)


def _check_urls(settings: Settings) -> None:
    for name, url in (
        ("SKUA_DATABASE_URL", settings.skua_database_url),
        ("SKUA_DATABASE_OWNER_URL", settings.skua_database_owner_url),
    ):
        if url is not None and not url.startswith(("postgresql://", "postgresql+asyncpg://")):
            raise SettingInvalid(name, "it has to begin with postgresql://")
    _check_redis_url(settings.skua_redis_url)
    if settings.skua_public_url is not None:
        check_public_url(settings.skua_public_url, allow_local=settings.local_telegram)
    if not settings.skua_telegram_api_base.startswith(("https://", "http://127.0.0.1:")):
        raise SettingInvalid("SKUA_TELEGRAM_API_BASE", "it has to begin with https://")


def _check_redis_url(url: str | None) -> None:
    if url is None:
        return
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingInvalid(
            "SKUA_REDIS_URL", "it has to begin with redis://, rediss:// or unix://"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Its own words would hold a part of the password.
        raise SettingInvalid("SKUA_REDIS_URL", "it isn't a URL") from None
    database = parts.path.strip("/")
    if not url.startswith("unix://") and database and not database.isdecimal():
        raise SettingInvalid("SKUA_REDIS_URL", "it has to end with the number of a database")
