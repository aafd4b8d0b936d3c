"""How one simulated Telegram behaves."""

from pathlib import Path

import msgspec

from .faults import FaultRule


class RateLimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates are per second; a bucket is how many may come at once after a quiet time."""

    token_rate: float = 30.0
    token_bucket: int = 30
    paid_rate: float = 1000.0
    paid_bucket: int = 1000
    chat_rate: float = 1.0
    chat_bucket: int = 3
    """The FAQ tolerates short bursts to a chat and names no number; 1 allows none."""
    group_per_minute: int = 20
    minimum_retry_after: int = 1

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")


class LatencySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an answer takes, in seconds: normally distributed, and a share that takes longer."""

    mean: float = 0.0
    deviation: float = 0.0
    tail_share: float = 0.0
    tail: float = 0.0

    def __post_init__(self) -> None:
        if min(self.mean, self.deviation, self.tail) < 0:
            raise ValueError("mean, deviation and tail can't be below zero")
        if not 0 <= self.tail_share <= 1:
            raise ValueError("tail_share lies between 0 and 1")


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    allow_local: bool = False
    """Take any port, plain http and reserved addresses too, and trust any certificate."""
    time_factor: float = 1.0
    """Multiplies every wait of the retry schedule and the life of an update in it."""
    timeout: float = 60.0
    """Seconds until an unanswered delivery counts as failed."""
    set_interval: float = 1.0
    """Seconds that must lie between two setWebhook calls of one bot."""

    def __post_init__(self) -> None:
        if self.time_factor <= 0 or self.timeout <= 0 or self.set_interval < 0:
            raise ValueError("time_factor and timeout must be above zero, set_interval not below")


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most bytes that a file may have."""

    largest_upload: int = 50 * 1024 * 1024
    """Also of all files of one request together."""
    largest_photo: int = 10 * 1024 * 1024
    largest_fetched: int = 20 * 1024 * 1024
    """By URL."""
    largest_fetched_photo: int = 5 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")


class NewBot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: str
    username: str = ""
    """Empty means a name made from the bot's id."""
    first_name: str = "Skua test bot"
    paid_broadcasts: bool = False
    """Whether Telegram lets this bot pay for more than the free rate."""
    stars: int | None = None
    """Its balance at first. None: a million if it may pay, else nothing."""

    def __post_init__(self) -> None:
        if self.stars is not None and self.stars < 0:
            raise ValueError("stars can't be below zero")


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""
    seed: int = 0
    """Of latency, faults, update ids and retry times."""
    receipt_book: Path | None = None
    """Where each request is written down; None keeps the receipts in memory."""
    limits: RateLimitSettings = RateLimitSettings()
    latency: LatencySettings = LatencySettings()
    webhooks: WebhookSettings = WebhookSettings()
    media: MediaSettings = MediaSettings()
    faults: tuple[FaultRule, ...] = ()
    bots: tuple[NewBot, ...] = ()
    remembered_messages: int = 10_000
    """Messages with buttons that a bot's chats keep; a button under an older one still works,
    its callback then names an inaccessible message. And as many messages of all kinds in the chats
    of all bots together, which can be copied and replied to; one that is used stays longer."""
