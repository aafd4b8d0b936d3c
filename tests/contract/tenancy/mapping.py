"""Mappings such as somebody might write: related by ids that leave the bot out."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from skua_adapters._sql.tables import BroadcastRow, CampaignRow, TenantRow


class NaiveBase(DeclarativeBase):
    pass


class NaiveBroadcast(TenantRow, NaiveBase):
    __table__ = BroadcastRow.__table__

    campaign_id: Mapped[Any]


class NaiveCampaign(TenantRow, NaiveBase):
    __table__ = CampaignRow.__table__

    id: Mapped[Any]
    broadcasts: Mapped[list[NaiveBroadcast]] = relationship(
        primaryjoin="foreign(NaiveBroadcast.campaign_id) != NaiveCampaign.id", viewonly=True
    )
    """Those of other campaigns, so that whoever isn't kept to one bot finds another's."""
