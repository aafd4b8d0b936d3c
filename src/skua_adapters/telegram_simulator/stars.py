"""A bot's Telegram Stars, with which it pays for more messages than the free rate."""

from typing import Any

from .refusals import bad_request

NANOSTARS = 1_000_000_000
PRICE = NANOSTARS // 10
"""Of one message above the free rate, in nanostars."""


class StarBalance:
    def __init__(self, stars: int, *, may_pay: bool) -> None:
        self.nanostars = stars * NANOSTARS
        self.may_pay = may_pay
        """Whether paid broadcasts are switched on at @BotFather."""

    def check(self, messages: int) -> None:
        """Raises ``Refusal`` unless so many could be paid."""
        # Which constant the hosted server answers isn't published.
        if not self.may_pay or self.nanostars < messages * PRICE:
            raise bad_request("BALANCE_TOO_LOW")

    def charge(self, messages: int) -> None:
        self.nanostars -= messages * PRICE

    def as_amount(self) -> dict[str, Any]:
        stars, nanostars = divmod(self.nanostars, NANOSTARS)
        return {"amount": stars} | ({"nanostar_amount": nanostars} if nanostars else {})
