"""What an address is to the library that reads those of real people."""

import pytest

from skua_adapters.email_addresses.email_validator import EmailValidatorEmailAddresses
from skua_core.errors import EmailInvalid

EMAILS = EmailValidatorEmailAddresses()


@pytest.mark.parametrize("typed", ["ana@localhost", "ana@gull.local", "ana@gull.test"])
def test_names_to_which_no_mail_goes_are_refused(typed: str) -> None:
    with pytest.raises(EmailInvalid):
        EMAILS.normalise(typed)


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("ana", "an email address must have an @-sign"),
        ("ana gull@example.com", "the email address contains invalid characters before the @-sign"),
        ("möwe@example.com", "internationalized characters before the @-sign are not supported"),
        ("ana@example", "the part after the @-sign is not valid. It should have a period"),
        ("a" * 300 + "@example.com", "it has more than 254 characters"),
    ],
)
def test_a_refusal_says_what_is_wrong(typed: str, problem: str) -> None:
    with pytest.raises(EmailInvalid) as refused:
        EMAILS.normalise(typed)

    assert str(refused.value).endswith(f"can be sent to: {problem}.")
