"""A strict Telegram Bot API of one's own, for the demo, for tests and for benchmarks."""

from .errors import ActionImpossible, NotInWorld, ReceiptBookUnfit, SimulatorAddressTaken
from .faults import FaultAction, FaultMoment, FaultRule, FaultScope
from .internet import UrlContent
from .media_files import MediaKind
from .receipts import (
    MediaSource,
    Receipt,
    ReceiptAnswer,
    ReceiptBook,
    ReceiptMedia,
    ReceiptUpload,
)
from .settings import (
    LatencySettings,
    MediaSettings,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    WebhookSettings,
)
from .simulator import TelegramSimulator, serve
from .world import GroupKind, User

__all__ = [
    "ActionImpossible",
    "FaultAction",
    "FaultMoment",
    "FaultRule",
    "FaultScope",
    "GroupKind",
    "LatencySettings",
    "MediaKind",
    "MediaSettings",
    "MediaSource",
    "NewBot",
    "NotInWorld",
    "RateLimitSettings",
    "Receipt",
    "ReceiptAnswer",
    "ReceiptBook",
    "ReceiptBookUnfit",
    "ReceiptMedia",
    "ReceiptUpload",
    "SimulatorAddressTaken",
    "SimulatorSettings",
    "TelegramSimulator",
    "UrlContent",
    "User",
    "WebhookSettings",
    "serve",
]
