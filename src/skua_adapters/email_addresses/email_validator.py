"""Read e-mail addresses with the email-validator library."""

import re

from email_validator import EmailNotValidError, validate_email

from skua_core.errors import EmailInvalid
from skua_core.ports.email_addresses import EmailAddresses

_LONGEST = 254
"""Of an address in SMTP (RFC 5321, erratum 1690)."""
_QUOTE = re.compile(r"\s*[:(].*", re.DOTALL)


class EmailValidatorEmailAddresses(EmailAddresses):
    """Domains of any script become what DNS knows them as (``xn--…``).

    In front of the @ only ASCII passes: mail to other addresses takes SMTPUTF8 (RFC 6531), which
    many servers on the way don't speak.
    """

    def normalise(self, text: str) -> str:
        typed = text.strip()
        if len(typed) > _LONGEST:
            raise EmailInvalid(f"it has more than {_LONGEST} characters")
        try:
            checked = validate_email(
                typed, check_deliverability=False, allow_smtputf8=False, strict=True
            )
        except EmailNotValidError as error:
            raise EmailInvalid(_problem(error)) from None
        if checked.ascii_email is None:  # as it would be for what needs SMTPUTF8
            raise EmailInvalid("it needs SMTPUTF8")
        return checked.ascii_email.lower()


def _problem(error: EmailNotValidError) -> str:
    """What is wrong, without the characters that it quotes from the address."""
    sentence = _QUOTE.sub("", str(error)).rstrip(".")
    return sentence[:1].lower() + sentence[1:]
