"""Reading WEB_SECRET_KEY, and the keys that are derived from it."""

import copy
import hashlib
import hmac
import pickle
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters._keys.ring import KeyRing, make_key
from skua_core.errors import SecretKeyUnfit

ROOT = hashlib.sha256(b"thirty-two bytes").digest()
KEY = urlsafe_b64encode(ROOT).decode()
PASSPHRASE = "gulls over the grey harbour"


def hkdf(root: bytes, info: bytes) -> bytes:
    """RFC 5869 with no salt, one block long."""
    extracted = hmac.digest(bytes(32), root, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_a_named_key_is_used_as_it_is() -> None:
    ring = KeyRing.from_settings(f"k2:{KEY}")

    assert ring.primary == "k2"
    assert ring.subkey("k2", "skua/v1/jwt/session") == hkdf(ROOT, b"skua/v1/jwt/session")


@pytest.mark.parametrize("value", [KEY, KEY.rstrip("="), f"  {KEY}\n"])
def test_a_key_without_a_name_is_k0(value: str) -> None:
    ring = KeyRing.from_settings(value)

    assert ring.key_ids == ("k0",)
    assert ring.subkey("k0", "x") == hkdf(ROOT, b"x")


@pytest.mark.parametrize(("value", "key_id"), [(PASSPHRASE, "k0"), (f"k7:{PASSPHRASE}", "k7")])
def test_a_passphrase_is_stretched(value: str, key_id: str) -> None:
    root = hashlib.scrypt(
        PASSPHRASE.encode(), salt=b"skua:v1:master", n=2**15, r=8, p=1, maxmem=2**26, dklen=32
    )

    assert KeyRing.from_settings(value).subkey(key_id, "x") == hkdf(root, b"x")


def test_a_passphrase_may_hold_a_colon() -> None:
    assert KeyRing.from_settings("what the gull said: keow, keow").primary == "k0"


def test_old_keys_come_after_the_primary_one() -> None:
    old = urlsafe_b64encode(ROOT[::-1]).decode()

    ring = KeyRing.from_settings(f"k2:{KEY}", f" k1:{old} , k0:{PASSPHRASE},")

    assert ring.key_ids == ("k2", "k1", "k0")


def test_different_uses_have_different_keys() -> None:
    ring = KeyRing.from_settings(f"k1:{KEY}")

    assert len({ring.subkey("k1", info) for info in ("a", "b", "a/b")}) == 3


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "change-me",
        "CHANGE_ME",
        "secret",
        "",
        "   ",
        "k1:",
        "k1:changeme",
        "please-change-this-secret-key",
        "your-secret-key-goes-here-1234567890",
        "replace with a long random string",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "please-change-this-secret-key" * 2,
        "12345678901234567890",
    ],
)
def test_a_placeholder_stops_the_start(value: str) -> None:
    with pytest.raises(SecretKeyUnfit, match="WEB_SECRET_KEY is a placeholder"):
        KeyRing.from_settings(value)


@pytest.mark.parametrize("value", ["nineteen characters"[:19], "k1:c29tZXRoaW5n", "gull"])
def test_a_short_key_stops_the_start(value: str) -> None:
    with pytest.raises(SecretKeyUnfit, match="shorter than 20") as caught:
        KeyRing.from_settings(value)

    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["k1:" + "B" * 43, "k1:" + "q" * 44, "gogogogogogogogogogogogo"])
def test_a_key_that_repeats_itself_stops_the_start(value: str) -> None:
    with pytest.raises(SecretKeyUnfit, match=r"not random|too few"):
        KeyRing.from_settings(value)


@pytest.mark.parametrize(
    ("primary", "old"),
    [(f"k1:{KEY}", f"k1:{PASSPHRASE}"), (KEY, PASSPHRASE), (f"k2:{KEY}", f"k1:{KEY},k1:{KEY}")],
)
def test_a_name_that_is_used_twice_stops_the_start(primary: str, old: str) -> None:
    with pytest.raises(SecretKeyUnfit, match=r"WEB_SECRET_KEYS_OLD names the key k[01] a second"):
        KeyRing.from_settings(primary, old)


def test_an_old_key_that_is_unfit_is_told_from_the_primary() -> None:
    with pytest.raises(SecretKeyUnfit, match=r"^WEB_SECRET_KEYS_OLD is a placeholder"):
        KeyRing.from_settings(f"k2:{KEY}", "k1:changeme")


def test_a_made_key_is_fit_and_new_each_time() -> None:
    assert KeyRing.from_settings(make_key()).primary == "k1"
    assert make_key() != make_key()


@given(st.binary(min_size=32, max_size=64).filter(lambda root: len(set(root)) >= 16))
def test_every_random_key_of_32_bytes_or_more_is_taken(root: bytes) -> None:
    ring = KeyRing.from_settings("k1:" + urlsafe_b64encode(root).decode())

    assert ring.subkey("k1", "x") == hkdf(root, b"x")


@given(st.text(max_size=19))
def test_no_text_of_less_than_twenty_characters_is_taken(text: str) -> None:
    with pytest.raises(SecretKeyUnfit):
        KeyRing.from_settings(text)


def test_a_ring_shows_names_alone() -> None:
    ring = KeyRing.from_settings(f"k2:{KEY}")

    assert repr(ring) == "KeyRing(k2)"
    for make in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            make(ring)
