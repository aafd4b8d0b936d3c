"""What every TokenVault has to keep: a secret opens for its own bot, and shows nowhere."""

import copy
import json
import logging
import pickle
import string
import traceback
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters._keys.ring import KeyRing
from skua_adapters.token_vault.fernet import FernetTokenVault
from skua_adapters.token_vault.in_memory import InMemoryTokenVault
from skua_core.domain.secret import BotToken, SealedSecret, WebhookSecret
from skua_core.errors import SecretUnreadable
from skua_core.ids import BotId
from skua_core.ports.token_vault import TokenVault

ANA = BotId(UUID("01900000-0000-7000-8000-00000000000a"))
BEN = BotId(UUID("01900000-0000-7000-8000-00000000000b"))
CANARY = "CANARYcanaryCANARYcanaryCANARYcanary"
TOKEN = BotToken(f"123456789:{CANARY}")
HOOK = WebhookSecret("aWebhookSecretOfFortyThreeCharacters_-_1234")
ROOTS = {f"k{number}": bytes(range(number, number + 32)) for number in range(3)}
NEVER_SEALED = [
    *("", "None", "null", ".", "..", "v1", "v1.", "v1..", "v1.k1.", "v1.k1.====", "v1.k1.A"),
    *("v1.k1.gAAAAABn", "v2.k1.gAAAAABn", "v1.k1.gAAAAABné", "v1.k1.\ud800", "v1.ключ.gAAA"),
    *("v1.k1.AAAA\n", "v1.k1." + "A" * 100_000, f"123456789:{CANARY}"),
]


@dataclass
class Rig:
    vault: TokenVault
    other_key: TokenVault
    rotated: TokenVault
    """Seals with another key and still knows the one of ``vault``."""


def fernet_rig() -> Rig:
    def vault(*key_ids: str) -> TokenVault:
        return FernetTokenVault(KeyRing({key_id: ROOTS[key_id] for key_id in key_ids}))

    return Rig(vault("k1"), vault("k2"), vault("k2", "k1"))


def in_memory_rig() -> Rig:
    one, two = ROOTS["k1"], ROOTS["k2"]
    return Rig(InMemoryTokenVault(one), InMemoryTokenVault(two), InMemoryTokenVault(two, one))


RIGS: dict[str, Callable[[], Rig]] = {"fernet": fernet_rig, "in_memory": in_memory_rig}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]()


each_rig = pytest.mark.parametrize("make_rig", RIGS.values(), ids=RIGS)


def test_a_sealed_token_opens_for_its_bot(rig: Rig) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)

    assert rig.vault.unseal_token(ANA, sealed) == TOKEN


def test_the_stored_form_names_its_version_and_key_and_not_the_token(rig: Rig) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)
    version, key_id, _ = sealed.value.split(".")

    assert version == "v1"
    assert sealed.key_id == key_id
    assert CANARY not in sealed.value
    assert sealed.value.isascii()


def test_sealing_twice_gives_two_values(rig: Rig) -> None:
    assert rig.vault.seal_token(ANA, TOKEN) != rig.vault.seal_token(ANA, TOKEN)


def test_a_swapped_row_is_unreadable(rig: Rig) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)

    with pytest.raises(SecretUnreadable) as caught:
        rig.vault.unseal_token(BEN, sealed)

    assert caught.value.subject == BEN


def test_a_key_outside_the_ring_opens_nothing(rig: Rig) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)

    with pytest.raises(SecretUnreadable):
        rig.other_key.unseal_token(ANA, sealed)


def test_naming_another_key_does_not_open_it(rig: Rig) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)
    foreign = rig.other_key.seal_token(ANA, TOKEN)

    relabelled = SealedSecret(sealed.value.replace(sealed.key_id, foreign.key_id, 1))

    with pytest.raises(SecretUnreadable):
        rig.rotated.unseal_token(ANA, relabelled)


def test_an_old_key_of_the_ring_still_opens(rig: Rig) -> None:
    old, new = rig.vault.seal_token(ANA, TOKEN), rig.rotated.seal_token(ANA, TOKEN)

    assert rig.rotated.unseal_token(ANA, old) == TOKEN
    assert old.key_id != new.key_id


def test_a_truncated_value_is_unreadable_wherever_it_is_cut(rig: Rig) -> None:
    value = rig.vault.seal_token(ANA, TOKEN).value

    for length in range(len(value)):
        with pytest.raises(SecretUnreadable):
            rig.vault.unseal_token(ANA, SealedSecret(value[:length]))


@pytest.mark.parametrize("value", NEVER_SEALED)
def test_what_no_vault_sealed_is_unreadable(rig: Rig, value: str) -> None:
    with pytest.raises(SecretUnreadable):
        rig.vault.unseal_token(ANA, SealedSecret(value))


@each_rig
@given(data=st.data())
def test_one_changed_character_makes_it_unreadable(
    make_rig: Callable[[], Rig], data: st.DataObject
) -> None:
    vault = make_rig().vault
    value = vault.seal_token(ANA, TOKEN).value
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters().filter(lambda character: character != value[place]))

    with pytest.raises(SecretUnreadable):
        vault.unseal_token(ANA, SealedSecret(value[:place] + other + value[place + 1 :]))


def test_another_spelling_of_the_same_bytes_is_unreadable(rig: Rig) -> None:
    """Else a value could be changed without anybody noticing when two are compared."""
    spellings = []
    for length in range(30, 64):
        token = BotToken("123456789:" + "a" * length)
        head, _, body = rig.vault.seal_token(ANA, token).value.rpartition(".")
        bare = body.rstrip("=")
        for other in (bare[:-1] + last for last in string.ascii_letters + string.digits + "-_"):
            padded = other + body[len(bare) :]
            if padded != body and urlsafe_b64decode(padded) == urlsafe_b64decode(body):
                spellings.append(SealedSecret(f"{head}.{padded}"))

    assert spellings
    for spelling in spellings:
        with pytest.raises(SecretUnreadable):
            rig.vault.unseal_token(ANA, spelling)


@each_rig
@given(bot=st.uuids(), token=st.from_regex(r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}", fullmatch=True))
def test_every_token_comes_back_as_it_was(
    make_rig: Callable[[], Rig], bot: UUID, token: str
) -> None:
    vault = make_rig().vault

    sealed = vault.seal_token(BotId(bot), BotToken(token))

    assert vault.unseal_token(BotId(bot), sealed).reveal() == token


@each_rig
@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_is_unreadable_and_nothing_worse(make_rig: Callable[[], Rig], text: str) -> None:
    with pytest.raises(SecretUnreadable):
        make_rig().vault.unseal_token(ANA, SealedSecret(text))


# Webhook secrets


def test_a_fingerprint_is_32_bytes_and_tells_its_secret(rig: Rig) -> None:
    fingerprint = rig.vault.fingerprint(ANA, HOOK)

    assert len(fingerprint) == 32
    assert rig.vault.recognise(ANA, HOOK, fingerprint)
    assert not rig.vault.recognise(ANA, WebhookSecret(HOOK.reveal() + "x"), fingerprint)
    assert not rig.vault.recognise(BEN, HOOK, fingerprint)
    assert not rig.other_key.recognise(ANA, HOOK, fingerprint)


def test_a_tag_is_22_characters_for_a_url_and_tells_its_secret(rig: Rig) -> None:
    tag = rig.vault.url_tag(ANA, HOOK)

    assert len(tag) == 22
    assert tag.replace("-", "").replace("_", "").isalnum()
    assert tag.isascii()
    assert rig.vault.recognise_tag(ANA, HOOK, tag.encode())
    assert not rig.vault.recognise_tag(ANA, WebhookSecret("another"), tag.encode())
    assert not rig.vault.recognise_tag(BEN, HOOK, tag.encode())
    assert not rig.other_key.recognise_tag(ANA, HOOK, tag.encode())


def test_the_tag_does_not_give_the_fingerprint_away(rig: Rig) -> None:
    fingerprint = urlsafe_b64encode(rig.vault.fingerprint(ANA, HOOK)).decode()

    assert rig.vault.url_tag(ANA, HOOK) not in fingerprint


def test_digests_of_an_old_key_are_still_recognised(rig: Rig) -> None:
    fingerprint, tag = rig.vault.fingerprint(ANA, HOOK), rig.vault.url_tag(ANA, HOOK)

    assert rig.rotated.recognise(ANA, HOOK, fingerprint)
    assert rig.rotated.recognise_tag(ANA, HOOK, tag.encode())
    assert rig.rotated.fingerprint(ANA, HOOK) != fingerprint


@pytest.mark.parametrize("wrong", [b"", b"\xe9", b"None", bytes(32), bytes(22), b"x" * 10_000])
def test_wrong_digests_are_not_recognised(rig: Rig, wrong: bytes) -> None:
    assert not rig.vault.recognise(ANA, HOOK, wrong)
    assert not rig.vault.recognise_tag(ANA, HOOK, wrong)


@pytest.mark.parametrize(
    "secret", ["", "é", "\xe9\xff", "\ud800", "x" * 10_000, HOOK.reveal()[:-1]]
)
def test_whatever_claims_to_be_the_secret_gets_an_answer(rig: Rig, secret: str) -> None:
    fingerprint, tag = rig.vault.fingerprint(ANA, HOOK), rig.vault.url_tag(ANA, HOOK)

    assert not rig.vault.recognise(ANA, WebhookSecret(secret), fingerprint)
    assert not rig.vault.recognise_tag(ANA, WebhookSecret(secret), tag.encode())


# Nothing shows


def test_no_text_form_of_a_vault_or_an_error_holds_a_secret(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = rig.vault.seal_token(ANA, TOKEN)
    shown = [repr(rig.vault), str(rig.vault), repr(sealed), repr([TOKEN, HOOK])]
    with caplog.at_level(logging.DEBUG):
        for vault, bot_id in [(rig.vault, BEN), (rig.other_key, ANA)]:
            with pytest.raises(SecretUnreadable) as caught:
                vault.unseal_token(bot_id, sealed)
            logging.getLogger(__name__).error("refused %r", TOKEN, exc_info=caught.value)
            shown += [repr(caught.value), str(caught.value), with_locals(caught.value)]

    for text in [*shown, caplog.text]:
        assert CANARY not in text
        assert urlsafe_b64encode(CANARY.encode()).decode()[:40] not in text
    assert HOOK.reveal() not in "".join(shown)


def with_locals(error: BaseException) -> str:
    """What an error tracker sends: the local variables of each frame, chained errors too."""
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        found = traceback.TracebackException.from_exception(seen, capture_locals=True)
        parts += [
            repr(frame.locals)
            for frame in found.stack
            if "token_vault" in frame.filename and "test_" not in frame.filename
        ]
        seen = seen.__context__
    assert parts
    return "".join(parts)


def test_a_vault_and_its_secrets_cannot_be_pickled_copied_or_encoded(rig: Rig) -> None:
    for kept in (rig.vault, TOKEN, HOOK):
        with pytest.raises(TypeError):
            pickle.dumps(kept)
        with pytest.raises(TypeError):
            copy.deepcopy(kept)
        with pytest.raises(TypeError):
            json.dumps(kept)
        with pytest.raises(TypeError):
            msgspec.json.encode(kept)


# What is particular to Fernet


def inside(payload: dict[str, str], *, bot_id: BotId = ANA) -> SealedSecret:
    """A value sealed with the bot's right key, with anything inside."""
    key = KeyRing({"k1": ROOTS["k1"]}).subkey("k1", f"skua/v1/fernet/bot-token/{bot_id}")
    ciphertext = Fernet(urlsafe_b64encode(key)).encrypt(msgspec.json.encode(payload))
    return SealedSecret(f"v1.k1.{ciphertext.decode()}")


WHOLE = {"p": "bot-token", "b": str(ANA), "t": "123456789", "s": TOKEN.reveal()}


def test_the_stored_form_is_the_documented_one() -> None:
    assert fernet_rig().vault.unseal_token(ANA, inside(WHOLE)) == TOKEN


@pytest.mark.parametrize(
    "change",
    [{"p": "webhook-secret"}, {"b": str(BEN)}, {"t": "987654321"}, {"s": "123"}, {"x": "more"}],
)
def test_the_right_key_alone_does_not_open_it(change: dict[str, str]) -> None:
    """Were a key ever shared or mixed up, what is inside would still say whose it is."""
    with pytest.raises(SecretUnreadable):
        fernet_rig().vault.unseal_token(ANA, inside(WHOLE | change))


@pytest.mark.parametrize("missing", WHOLE)
def test_a_part_that_is_missing_makes_it_unreadable(missing: str) -> None:
    with pytest.raises(SecretUnreadable):
        fernet_rig().vault.unseal_token(
            ANA, inside({key: value for key, value in WHOLE.items() if key != missing})
        )
