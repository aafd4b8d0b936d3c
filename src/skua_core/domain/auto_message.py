"""Auto-messages: campaigns that leave by themselves when something happens."""

import unicodedata
from datetime import datetime
from enum import StrEnum

import msgspec

from skua_core.domain.broadcast import PauseReason
from skua_core.errors import KeywordInvalid
from skua_core.ids import AutoMessageId, CampaignId

KEYWORD_LIMIT = 64


class Trigger(StrEnum):
    START = "start"
    """Somebody pressed Start."""
    KEYWORD = "keyword"
    """Somebody wrote just that word or phrase."""


class AutoMessageStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class AutoMessage(msgspec.Struct, kw_only=True):
    """A campaign's newest wording, as the answer to what people do."""

    id: AutoMessageId
    campaign_id: CampaignId
    trigger: Trigger
    keyword: str | None = None
    """As ``normal_keyword`` makes it; set for keywords only."""
    status: AutoMessageStatus = AutoMessageStatus.ACTIVE
    pause_reason: PauseReason | None = None
    pause_detail: str | None = None
    created_at: datetime
    updated_at: datetime

    def pause(self, reason: PauseReason, *, now: datetime, detail: str | None = None) -> None:
        """Pausing it again changes nothing."""
        if self.status is AutoMessageStatus.ACTIVE:
            self.status, self.updated_at = AutoMessageStatus.PAUSED, now
            self.pause_reason, self.pause_detail = reason, detail

    def resume(self, *, now: datetime) -> None:
        self.status, self.updated_at = AutoMessageStatus.ACTIVE, now
        self.pause_reason = self.pause_detail = None


def normal_keyword(text: str) -> str:
    """One form for all ways to write a phrase: case, width and blanks don't count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def check_keyword(text: str) -> str:
    """The keyword in its normal form. Raises KeywordInvalid."""
    keyword = normal_keyword(text)
    if not keyword:
        raise KeywordInvalid("it is empty")
    if len(keyword) > KEYWORD_LIMIT:
        raise KeywordInvalid(f"it has more than {KEYWORD_LIMIT} characters")
    if not keyword.isprintable():
        raise KeywordInvalid("it holds a control character")
    if keyword.startswith("/"):
        raise KeywordInvalid("commands such as /start and /stop have meanings of their own")
    return keyword
