"""Read e-mail addresses with the standard library alone."""

import re
import unicodedata

from skua_core.errors import EmailInvalid
from skua_core.ports.email_addresses import EmailAddresses

_LONGEST, _LONGEST_LOCAL = 254, 64
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.ASCII
)


class InProcessEmailAddresses(EmailAddresses):
    """Takes what usual addresses look like; knows no reserved names and an older IDNA (2003)."""

    def normalise(self, text: str) -> str:
        typed = unicodedata.normalize("NFC", text.strip()).lower()
        local, at, domain = typed.rpartition("@")
        if not at:
            raise EmailInvalid("it has no @-sign")
        if _LOCAL.fullmatch(local) is None or len(local) > _LONGEST_LOCAL:
            raise EmailInvalid("what stands before the @-sign isn't valid")
        try:
            written = domain.encode("idna").decode()
        except UnicodeError:
            raise EmailInvalid("what stands after the @-sign isn't valid") from None
        if _DOMAIN.fullmatch(written) is None or len(local) + 1 + len(written) > _LONGEST:
            raise EmailInvalid("what stands after the @-sign isn't valid")
        return f"{local}@{written}"
