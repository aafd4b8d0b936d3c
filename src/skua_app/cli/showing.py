"""Bots and broadcasts as programs and people see them."""

import msgspec

from skua_app.cli.plain import clean
from skua_core.domain.bot import WebhookState
from skua_core.domain.broadcast import Broadcast, PauseReason
from skua_core.domain.delivery import Reason
from skua_core.domain.subscriber import SubscriberStatus

UPDATES = {
    WebhookState.NONE: "none",
    WebhookState.PENDING: "webhook, Telegram not told yet",
    WebhookState.SET: "webhook",
    WebhookState.POLLING: "fetched",
}
"""Which way a bot's updates take."""
WHY_PAUSED = {
    PauseReason.OPERATOR: "somebody paused it",
    PauseReason.TOKEN_REVOKED: "Telegram refuses the bot's token; set a new one, then resume",
    PauseReason.CONTENT_REFUSED: "Telegram refuses the message",
    PauseReason.UNSERVED: "nobody served it for too long",
}
WHY = {
    Reason.BLOCKED: "has blocked the bot",
    Reason.DEACTIVATED: "deleted the account",
    Reason.CHAT_NOT_FOUND: "never started the bot, or the chat is gone",
    Reason.CONTENT: "Telegram refuses the message",
    Reason.REFUSED: "Telegram refuses, for a reason of its own",
    Reason.UNRENDERABLE: "with their values the message is empty or too long",
    Reason.UNSUBSCRIBED: "unsubscribed meanwhile",
    Reason.UNREACHABLE: "became unreachable meanwhile",
    Reason.ERASED: "was erased meanwhile",
    Reason.EXPIRED: "came too late",
    Reason.CANCELLED: "the broadcast was cancelled",
    Reason.DUPLICATE: "is in the audience under another chat id",
    Reason.NO_ANSWER: "Telegram gave no answer; it may have arrived",
    Reason.SERVER_ERROR: "Telegram answered with an error of its own; it may have arrived",
    Reason.LANE_TAKEN_OVER: "the process that sent it ended; it may have arrived",
    Reason.BLOCKED_AFTER: "got it, and blocked the bot afterwards",
}
EXCLUDED = {
    SubscriberStatus.ACTIVE: "active",
    SubscriberStatus.UNSUBSCRIBED: "unsubscribed",
    SubscriberStatus.BLOCKED: "blocked the bot",
    SubscriberStatus.DEACTIVATED: "deleted accounts",
    SubscriberStatus.INVALID: "unknown to Telegram",
}


def broadcast_facts(broadcast: Broadcast) -> dict[str, object]:
    """A broadcast as programs see it."""
    return {
        "broadcast": broadcast.id,
        "campaign": broadcast.campaign_id,
        "revision": broadcast.revision,
        "status": broadcast.status,
        "pause_reason": broadcast.pause_reason,
        "pause_detail": broadcast.pause_detail,
        "paid": broadcast.paid,
        "recipients": broadcast.counts.total,
        **msgspec.structs.asdict(broadcast.counts),
        "created_at": broadcast.created_at,
        "finished_at": broadcast.finished_at,
        "archived_at": broadcast.archived_at,
    }


def stopped_because(broadcast: Broadcast) -> str:
    """``paused: somebody paused it``, with Telegram's words where there are any."""
    if broadcast.pause_reason is None:
        return broadcast.status.value
    words = f" ({broadcast.pause_detail})" if broadcast.pause_detail else ""
    return clean(f"{broadcast.status}: {WHY_PAUSED[broadcast.pause_reason]}{words}")


def sent_of_all(broadcast: Broadcast) -> str:
    return f"{broadcast.counts.sent:,} of {broadcast.counts.total:,}"
