"""What every EmailAddresses has to keep: one account has one spelling."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skua_adapters.email_addresses.email_validator import EmailValidatorEmailAddresses
from skua_adapters.email_addresses.in_process import InProcessEmailAddresses
from skua_core.errors import EmailInvalid
from skua_core.ports.email_addresses import EmailAddresses

EACH: dict[str, EmailAddresses] = {
    "in_process": InProcessEmailAddresses(),
    "email_validator": EmailValidatorEmailAddresses(),
}
NORMAL = {
    "ana@example.com": "ana@example.com",
    "  Ana.Gull+Skua@EXAMPLE.com\n": "ana.gull+skua@example.com",
    "o'neil_#1@mail.example.org": "o'neil_#1@mail.example.org",
    "ana@möwe.example.com": "ana@xn--mwe-sna.example.com",
    "ana@MÖWE.example.com": "ana@xn--mwe-sna.example.com",
    "ana@mo\u0308we.example.com": "ana@xn--mwe-sna.example.com",
    "ana@xn--mwe-sna.example.com": "ana@xn--mwe-sna.example.com",
    "a" * 64 + "@example.com": "a" * 64 + "@example.com",
}
NOT_ADDRESSES = [
    *("", " ", "@", "ana", "ana@", "@example.com", "ana@example", "ana@@example.com", "a@b@c.com"),
    *("ana gull@example.com", "ana@exa mple.com", "ana@-example.com", "ana@example..com"),
    *(".ana@example.com", "ana.@example.com", "a..na@example.com", "ana@example.com."),
    *("Ana <ana@example.com>", "<ana@example.com>", "mailto:ana@example.com", '"a na"@example.com'),
    *("ana@[127.0.0.1]", "ana@127.0.0.1", "ana@example.com\r\nBcc: ben@example.com"),
    *("ana@example.com\0", "a\0na@example.com", "ana@example.com,ben@example.com", "\ud800@a.com"),
    *("ana@\ud800.com", "möwe@example.com", "ana@" + "x" * 64 + ".com", "a" * 65 + "@example.com"),
    *("ana@" + "x." * 130 + "com", "a" * 100_000 + "@example.com", "@" * 100_000),
]

each = pytest.mark.parametrize("emails", EACH.values(), ids=EACH)


@each
@pytest.mark.parametrize("typed", NORMAL)
def test_an_address_has_one_spelling(emails: EmailAddresses, typed: str) -> None:
    assert emails.normalise(typed) == NORMAL[typed]


@each
@pytest.mark.parametrize("typed", NOT_ADDRESSES)
def test_what_is_no_address_is_refused(emails: EmailAddresses, typed: str) -> None:
    with pytest.raises(EmailInvalid):
        emails.normalise(typed)


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=100)
NEARLY = st.builds("{}@{}.{}".format, ANYTHING, ANYTHING, st.sampled_from(["com", "möwe", "ÄÖ"]))


@each
@settings(deadline=None)
@given(typed=ANYTHING | NEARLY | st.emails())
@example(typed="ana@\u2488example.com")
@example(typed="ana@xn--a.com")
@example(typed="ana@xn--.com")
@example(typed="ana@\u200dexample.com")
def test_anything_is_an_address_or_refused(emails: EmailAddresses, typed: str) -> None:
    try:
        normal = emails.normalise(typed)
    except EmailInvalid:
        return

    assert normal == emails.normalise(normal) == emails.normalise(normal.upper())
    assert normal.isascii()
    assert normal.isprintable()
    assert normal == normal.lower()
    assert len(normal) <= 254
    assert " " not in normal
    assert "\n" not in normal


@each
def test_a_refusal_does_not_repeat_the_address(emails: EmailAddresses) -> None:
    for typed in (
        "zqzq",
        "zqzq zq@example.com",
        "ana@zq zq.com",
        "möwezq@example.com",
        "a@zq!.com",
    ):
        with pytest.raises(EmailInvalid) as refused:
            emails.normalise(typed)

        assert "zq" not in str(refused.value)
        assert refused.value.__cause__ is None
