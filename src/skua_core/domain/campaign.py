"""Campaigns: messages that somebody composed."""

from datetime import datetime

import msgspec

from skua_core.domain.content import CompiledMessage, MessageSource
from skua_core.ids import CampaignId


class Campaign(msgspec.Struct, kw_only=True):
    """A named message. What was written last is its newest revision."""

    id: CampaignId
    name: str
    revision: int = 0
    """Number of the newest revision; the first is 1."""
    created_at: datetime
    updated_at: datetime


class CampaignRevision(msgspec.Struct, frozen=True, kw_only=True):
    """One wording of a campaign. It never changes: a broadcast is bound to it."""

    campaign_id: CampaignId
    number: int
    source: MessageSource
    compiled: CompiledMessage
    created_at: datetime
