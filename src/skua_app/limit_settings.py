"""How an operator writes a limit: ``20/5s`` is 20 at once, and one back every 5 seconds."""

import re

from skua_core.domain.limits import Bucket

_FORM = re.compile(r"([0-9]{1,6})/([0-9]{1,6}(?:\.[0-9]{1,6})?)(s|m|h)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 366 * 86400
"""Seconds until all of a bucket is back; more is a slip of the pen."""


def read_bucket(name: str, text: str) -> Bucket:
    """Raises ValueError, which says what is wrong."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(
            f"{text.strip()!r} is not a limit such as 20/5s: 20 at once, one back every 5 seconds"
            " (s, m or h)"
        )
    burst, seconds = int(form[1]), float(form[2]) * _SECONDS[form[3]]
    if burst < 1 or seconds <= 0:
        raise ValueError("nobody could ever do it; both numbers have to be more than zero")
    if burst * seconds > _LONGEST:
        raise ValueError("it would take more than a year until all of it is back")
    return Bucket(name, burst, seconds)
