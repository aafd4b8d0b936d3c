"""What all tables share."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_TYPES = {
    bytes: LargeBinary,
    date: Date,
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSONB,
    float: Double,
    int: Integer,
    list[int]: ARRAY(Integer),
    list[str]: ARRAY(Text),
    list[UUID]: ARRAY(Uuid),
    str: Text,
    UUID: Uuid,
}


class PlatformBase(DeclarativeBase):
    """What must be found before a bot is known; no row security."""

    metadata = MetaData(schema="platform")
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantBase(DeclarativeBase):
    metadata = MetaData(schema="tenant")
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


THIS_MONTH = text("(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC'))::date")


class TenantRow:
    """A row that belongs to one bot: what both tenancy locks are about."""

    bot_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


def enum_type(kind: type[StrEnum], name: str) -> ENUM:
    return ENUM(
        kind,
        name=name,
        schema="tenant",
        create_type=False,
        values_callable=lambda members: [member.value for member in members],
    )
