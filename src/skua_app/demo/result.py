"""What the demo came to."""

from typing import Self

import msgspec

from skua_core.domain.broadcast import BroadcastReport


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What ``skua demo --json`` ends with. The outcomes add up to ``recipients``."""

    recipients: int
    sent: int
    failed: int
    skipped: int
    uncertain: int
    duplicates: int
    """Chats that got it more than once, by Telegram's own book."""
    seconds: float

    @property
    def adds_up(self) -> bool:
        return self.recipients == self.sent + self.failed + self.skipped + self.uncertain

    @classmethod
    def of(cls, report: BroadcastReport, *, duplicates: int, seconds: float) -> Self:
        counts = report.broadcast.counts
        return cls(
            recipients=counts.total,
            sent=counts.sent,
            failed=counts.failed,
            skipped=counts.skipped,
            uncertain=counts.uncertain,
            duplicates=duplicates,
            seconds=round(seconds, 1),
        )
