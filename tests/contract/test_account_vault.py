"""What every AccountVault has to keep: a secret opens for its row and use, and shows nowhere."""

import copy
import json
import logging
import pickle
import traceback
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters._keys.ring import KeyRing
from skua_adapters.account_vault.fernet import FernetAccountVault
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_core.domain.secret import SealedSecret, Secret
from skua_core.errors import SecretUnreadable
from skua_core.ports.account_vault import AccountPurpose, AccountVault

ANA = UUID("01900000-0000-7000-8000-00000000000a")
BEN = UUID("01900000-0000-7000-8000-00000000000b")
TOTP, MAIL, CODE = AccountPurpose.TOTP, AccountPurpose.MAIL, AccountPurpose.CODE
CANARY = "CANARYcanaryCANARYcanaryCANARYcanary"
SECRET = Secret(CANARY)
ROOTS = {f"k{number}": bytes(range(number, number + 32)) for number in range(3)}
NEVER_SEALED = ["", "None", "v1", "v1..", "v1.k1.", "v2.k1.gAAAAABn", "v1.k1.\ud800", CANARY]


@dataclass
class Rig:
    vault: AccountVault
    other_key: AccountVault
    rotated: AccountVault
    """Seals with another key and still knows the one of ``vault``."""


def fernet_rig() -> Rig:
    def vault(*key_ids: str) -> AccountVault:
        return FernetAccountVault(KeyRing({key_id: ROOTS[key_id] for key_id in key_ids}))

    return Rig(vault("k1"), vault("k2"), vault("k2", "k1"))


def in_memory_rig() -> Rig:
    one, two = ROOTS["k1"], ROOTS["k2"]
    return Rig(InMemoryAccountVault(one), InMemoryAccountVault(two), InMemoryAccountVault(two, one))


RIGS: dict[str, Callable[[], Rig]] = {"fernet": fernet_rig, "in_memory": in_memory_rig}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]()


each_rig = pytest.mark.parametrize("make_rig", RIGS.values(), ids=RIGS)


@each_rig
@given(purpose=st.sampled_from(AccountPurpose), subject=st.uuids(), text=st.text())
def test_every_secret_comes_back_as_it_was(
    make_rig: Callable[[], Rig], purpose: AccountPurpose, subject: UUID, text: str
) -> None:
    vault = make_rig().vault

    sealed = vault.seal(purpose, subject, Secret(text))

    assert vault.unseal(purpose, subject, sealed).reveal() == text


def test_the_stored_form_names_its_version_and_key_and_not_the_secret(rig: Rig) -> None:
    sealed = rig.vault.seal(TOTP, ANA, SECRET)
    version, key_id, _ = sealed.value.split(".")

    assert version == "v1"
    assert sealed.key_id == key_id
    assert CANARY not in sealed.value
    assert sealed.value.isascii()


def test_sealing_twice_gives_two_values(rig: Rig) -> None:
    assert rig.vault.seal(TOTP, ANA, SECRET) != rig.vault.seal(TOTP, ANA, SECRET)


@pytest.mark.parametrize(("purpose", "subject"), [(TOTP, BEN), (MAIL, ANA), (CODE, BEN)])
def test_another_row_or_use_cannot_open_it(
    rig: Rig, purpose: AccountPurpose, subject: UUID
) -> None:
    sealed = rig.vault.seal(TOTP, ANA, SECRET)

    with pytest.raises(SecretUnreadable) as caught:
        rig.vault.unseal(purpose, subject, sealed)

    assert caught.value.subject == subject


def test_a_key_outside_the_ring_opens_nothing_and_an_old_one_still_does(rig: Rig) -> None:
    sealed = rig.vault.seal(TOTP, ANA, SECRET)

    assert rig.rotated.unseal(TOTP, ANA, sealed) == SECRET
    assert rig.rotated.seal(TOTP, ANA, SECRET).key_id != sealed.key_id
    with pytest.raises(SecretUnreadable):
        rig.other_key.unseal(TOTP, ANA, sealed)


def test_naming_another_key_does_not_open_it(rig: Rig) -> None:
    sealed = rig.vault.seal(TOTP, ANA, SECRET)
    foreign = rig.other_key.seal(TOTP, ANA, SECRET)

    with pytest.raises(SecretUnreadable):
        rig.rotated.unseal(
            TOTP, ANA, SealedSecret(sealed.value.replace(sealed.key_id, foreign.key_id, 1))
        )


@pytest.mark.parametrize("value", NEVER_SEALED)
def test_what_no_vault_sealed_is_unreadable(rig: Rig, value: str) -> None:
    with pytest.raises(SecretUnreadable):
        rig.vault.unseal(TOTP, ANA, SealedSecret(value))


@each_rig
@given(data=st.data())
def test_one_changed_character_makes_it_unreadable(
    make_rig: Callable[[], Rig], data: st.DataObject
) -> None:
    vault = make_rig().vault
    value = vault.seal(TOTP, ANA, SECRET).value
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters().filter(lambda character: character != value[place]))

    with pytest.raises(SecretUnreadable):
        vault.unseal(TOTP, ANA, SealedSecret(value[:place] + other + value[place + 1 :]))


# Codes


def test_a_mac_is_32_bytes_and_tells_its_message_and_use(rig: Rig) -> None:
    mac = rig.vault.mac(CODE, "12345678")

    assert len(mac) == 32
    assert rig.vault.recognise(CODE, "12345678", mac)
    assert not rig.vault.recognise(CODE, "12345679", mac)
    assert not rig.vault.recognise(MAIL, "12345678", mac)
    assert not rig.other_key.recognise(CODE, "12345678", mac)


def test_a_mac_of_an_old_key_is_still_recognised(rig: Rig) -> None:
    mac = rig.vault.mac(CODE, "12345678")

    assert rig.rotated.recognise(CODE, "12345678", mac)
    assert rig.rotated.mac(CODE, "12345678") != mac


@pytest.mark.parametrize("wrong", [None, b"", bytes(32), b"\xe9", b"x" * 10_000])
def test_what_is_no_mac_of_it_is_not_recognised(rig: Rig, wrong: bytes | None) -> None:
    assert not rig.vault.recognise(CODE, "12345678", wrong)


@each_rig
@given(message=st.text(st.characters(exclude_categories=())))
def test_whatever_claims_to_be_a_code_gets_an_answer(
    make_rig: Callable[[], Rig], message: str
) -> None:
    vault = make_rig().vault

    assert vault.recognise(CODE, message, vault.mac(CODE, message))
    assert not vault.recognise(CODE, message + "0", vault.mac(CODE, message))


# Nothing shows


def test_no_text_form_of_a_vault_or_an_error_holds_a_secret(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = rig.vault.seal(TOTP, ANA, SECRET)
    shown = [repr(rig.vault), str(rig.vault), repr(sealed)]
    with caplog.at_level(logging.DEBUG):
        for vault, subject in [(rig.vault, BEN), (rig.other_key, ANA)]:
            with pytest.raises(SecretUnreadable) as caught:
                vault.unseal(TOTP, subject, sealed)
            logging.getLogger(__name__).error("refused %r", SECRET, exc_info=caught.value)
            shown += [repr(caught.value), str(caught.value), with_locals(caught.value)]

    for text in [*shown, caplog.text]:
        assert CANARY not in text
        assert urlsafe_b64encode(CANARY.encode()).decode()[:40] not in text


def with_locals(error: BaseException) -> str:
    """What an error tracker sends: the local variables of each frame, chained errors too."""
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        found = traceback.TracebackException.from_exception(seen, capture_locals=True)
        parts += [repr(frame.locals) for frame in found.stack if "skua_adapters" in frame.filename]
        seen = seen.__context__
    assert parts
    return "".join(parts)


def test_a_vault_cannot_be_pickled_copied_or_encoded(rig: Rig) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(rig.vault)
    with pytest.raises(TypeError):
        copy.deepcopy(rig.vault)
    with pytest.raises(TypeError):
        json.dumps(rig.vault)
    with pytest.raises(TypeError):
        msgspec.json.encode(rig.vault)


# What is particular to Fernet


WHOLE = {"p": "totp", "o": str(ANA), "s": CANARY}


def inside(payload: dict[str, str]) -> SealedSecret:
    """A value sealed with the row's right key, with anything inside."""
    key = KeyRing(ROOTS).subkey("k1", f"skua/v1/fernet/account/totp/{ANA}")
    ciphertext = Fernet(urlsafe_b64encode(key)).encrypt(msgspec.json.encode(payload))
    return SealedSecret(f"v1.k1.{ciphertext.decode()}")


def test_the_stored_form_is_the_documented_one() -> None:
    assert fernet_rig().vault.unseal(TOTP, ANA, inside(WHOLE)) == SECRET


@pytest.mark.parametrize("change", [{"p": "mail"}, {"o": str(BEN)}, {"x": "more"}])
def test_the_right_key_alone_does_not_open_it(change: dict[str, str]) -> None:
    """Were a key ever shared or mixed up, what is inside would still say whose it is."""
    with pytest.raises(SecretUnreadable):
        fernet_rig().vault.unseal(TOTP, ANA, inside(WHOLE | change))
