"""A bot's subscribers, counted."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, case, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.tables import SubscriberRow
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.ports.repositories import Audience, AudiencePart


class PostgresAudience(Audience):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def by_status(self) -> dict[SubscriberStatus, int]:
        counted = await self._session.execute(
            select(SubscriberRow.status, func.count()).group_by(SubscriberRow.status)
        )
        counts = dict.fromkeys(SubscriberStatus, 0)
        counts.update({SubscriberStatus(status): number for status, number in counted})
        return counts

    async def by_wording(
        self, required: Mapping[str, Collection[str]]
    ) -> Mapping[str, AudiencePart]:
        names = sorted({name for each in required.values() for name in each})
        tag = _variant_of(tags=[tag for tag in required if tag])
        counted = await self._session.execute(
            select(
                tag,
                func.count(),
                *(func.count().filter(_value_of(name) == "") for name in names),
            )
            .where(SubscriberRow.status == SubscriberStatus.ACTIVE.value)
            .group_by(tag)
        )
        found = {row[0]: (row[1], dict(zip(names, row[2:], strict=True))) for row in counted}
        parts = {}
        for tag_, wanted in required.items():
            recipients, gaps = found.get(tag_, (0, {}))
            missing = {name: gaps[name] for name in wanted if gaps.get(name)}
            parts[tag_] = AudiencePart(recipients=recipients, gaps=missing)
        return parts


def _variant_of(tags: Sequence[str]) -> ColumnElement[str]:
    """As ``choose_variant``: the longest tag that theirs is, or begins with."""
    wanted = func.lower(func.coalesce(SubscriberRow.language, ""))
    longest_first = sorted(tags, key=len, reverse=True)
    choices = [
        (or_(wanted == tag, wanted.startswith(f"{tag}-", autoescape=True)), tag)
        for tag in longest_first
    ]
    chosen = case(*choices, else_="") if choices else literal("")
    return chosen.label("tag")


def _value_of(placeholder: str) -> ColumnElement[str]:
    """As ``Personalisation.value``."""
    _, dot, name = placeholder.partition("attributes.")
    if dot:
        value: ColumnElement[str | None] = SubscriberRow.attributes[name].astext
    else:
        value = SubscriberRow.__table__.c[placeholder]
    return func.coalesce(value, "")
