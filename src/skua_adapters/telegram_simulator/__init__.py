"""A strict Telegram Bot API of one's own, for the demo, for tests and for benchmarks."""

from .errors import ActionImpossible, NotInWorld, ReceiptBookUnfit, SimulatorAddressTaken
from .faults import FaultAction, FaultMoment, FaultRule, FaultScope
from .receipts import Receipt, ReceiptAnswer, ReceiptBook
from .settings import (
    LatencySettings,
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
    "NewBot",
    "NotInWorld",
    "RateLimitSettings",
    "Receipt",
    "ReceiptAnswer",
    "ReceiptBook",
    "ReceiptBookUnfit",
    "SimulatorAddressTaken",
    "SimulatorSettings",
    "TelegramSimulator",
    "User",
    "WebhookSettings",
    "serve",
]
