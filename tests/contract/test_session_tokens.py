"""What every SessionTokens has to keep: it reads what it issued while that is good, no more."""

import copy
import hmac
import json
import pickle
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters._keys.ring import KeyRing
from skua_adapters.session_tokens.in_memory import InMemorySessionTokens
from skua_adapters.session_tokens.jwt import JwtSessionTokens
from skua_core.domain.secret import Secret
from skua_core.domain.session import SESSION_LIVES
from skua_core.ids import UserId
from skua_core.ports.session_tokens import SessionClaims, SessionTokens

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANA = UserId(UUID("01900000-0000-7000-8000-00000000000a"))
SID = "CANARYcanaryCANARYcana"
CLAIMS = SessionClaims(
    user_id=ANA, sid=Secret(SID), issued_at=NOON, authenticated_at=NOON - timedelta(days=2)
)
ROOTS = {f"k{number}": bytes(range(number, number + 32)) for number in range(3)}
ANYTHING = st.text(st.characters(exclude_categories=()))


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Rig:
    tokens: SessionTokens
    other_key: SessionTokens
    rotated: SessionTokens
    """Signs with another key and still knows the one of ``tokens``."""


def jwt_tokens(*key_ids: str, installation: str = "https://skua.example") -> JwtSessionTokens:
    ring = KeyRing({key_id: ROOTS[key_id] for key_id in key_ids})
    return JwtSessionTokens(ring, installation=installation)


def jwt_rig() -> Rig:
    return Rig(jwt_tokens("k1"), jwt_tokens("k2"), jwt_tokens("k2", "k1"))


def in_memory_rig() -> Rig:
    one, two = ROOTS["k1"], ROOTS["k2"]
    return Rig(
        InMemorySessionTokens(one), InMemorySessionTokens(two), InMemorySessionTokens(two, one)
    )


RIGS: dict[str, Callable[[], Rig]] = {"jwt": jwt_rig, "in_memory": in_memory_rig}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]()


each_rig = pytest.mark.parametrize("make_rig", RIGS.values(), ids=RIGS)


def test_a_token_says_what_was_put_into_it(rig: Rig) -> None:
    token = rig.tokens.issue(CLAIMS)

    assert rig.tokens.read(token.reveal(), now=NOON) == CLAIMS


@each_rig
@given(
    user=st.uuids(),
    sid=st.text(string.ascii_letters + string.digits + "-_", min_size=22, max_size=22),
    seconds=st.integers(0, 4_000_000_000),
    age=st.integers(0, 90 * 86_400),
)
def test_whatever_was_put_in_comes_back(
    make_rig: Callable[[], Rig], user: UUID, sid: str, seconds: int, age: int
) -> None:
    issued_at = datetime.fromtimestamp(seconds, UTC)
    claims = SessionClaims(
        user_id=UserId(user),
        sid=Secret(sid),
        issued_at=issued_at,
        authenticated_at=issued_at - timedelta(seconds=min(age, seconds)),
    )
    tokens = make_rig().tokens

    assert tokens.read(tokens.issue(claims).reveal(), now=issued_at) == claims


def test_it_is_good_until_its_life_is_over_and_no_second_longer(rig: Rig) -> None:
    token = rig.tokens.issue(CLAIMS).reveal()

    assert rig.tokens.read(token, now=NOON + SESSION_LIVES - timedelta(microseconds=1)) == CLAIMS
    assert rig.tokens.read(token, now=NOON + SESSION_LIVES) is None


def test_a_reader_whose_clock_is_behind_reads_it_too(rig: Rig) -> None:
    token = rig.tokens.issue(CLAIMS).reveal()

    assert rig.tokens.read(token, now=NOON - timedelta(hours=1)) == CLAIMS


def test_a_key_outside_the_ring_reads_nothing(rig: Rig) -> None:
    assert rig.other_key.read(rig.tokens.issue(CLAIMS).reveal(), now=NOON) is None


def test_an_old_key_of_the_ring_still_reads(rig: Rig) -> None:
    old, new = rig.tokens.issue(CLAIMS), rig.rotated.issue(CLAIMS)

    assert rig.rotated.read(old.reveal(), now=NOON) == CLAIMS
    assert rig.tokens.read(new.reveal(), now=NOON) is None


def test_a_token_fits_into_a_cookie(rig: Rig) -> None:
    token = rig.tokens.issue(CLAIMS).reveal()

    assert len(token) < 1024
    assert token.isascii()
    assert token.isprintable()
    assert not set(token) & set(' ",;\\')


@each_rig
@given(text=ANYTHING)
def test_any_text_is_no_token_and_nothing_worse(make_rig: Callable[[], Rig], text: str) -> None:
    assert make_rig().tokens.read(text, now=NOON) is None


@each_rig
@given(parts=st.lists(ANYTHING | st.binary().map(b64), min_size=2, max_size=4))
def test_no_text_of_several_parts_is_one_either(
    make_rig: Callable[[], Rig], parts: list[str]
) -> None:
    assert make_rig().tokens.read(".".join(parts), now=NOON) is None


@each_rig
@given(data=st.data())
def test_one_changed_character_makes_it_worthless(
    make_rig: Callable[[], Rig], data: st.DataObject
) -> None:
    tokens = make_rig().tokens
    token = tokens.issue(CLAIMS).reveal()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))

    assert tokens.read(token[:place] + other + token[place + 1 :], now=NOON) is None


def test_a_truncated_or_a_longer_one_is_worthless(rig: Rig) -> None:
    token = rig.tokens.issue(CLAIMS).reveal()

    assert all(rig.tokens.read(token[:length], now=NOON) is None for length in range(len(token)))
    for more in ("=", "A", ".", "\n", " ", "\x00", token):
        assert rig.tokens.read(token + more, now=NOON) is None
        assert rig.tokens.read(more + token, now=NOON) is None


def test_no_text_form_holds_a_key_or_a_session(rig: Rig) -> None:
    shown = [repr(rig.tokens), str(rig.tokens), repr(CLAIMS), repr(rig.tokens.issue(CLAIMS))]

    assert SID not in "".join(shown)
    with pytest.raises(TypeError):
        pickle.dumps(rig.tokens)
    with pytest.raises(TypeError):
        copy.deepcopy(rig.tokens)


# What is particular to JSON Web Tokens: forgeries with the right key in hand


def signed(header: object, payload: bytes, *, root: str = "k1", info: str = "session") -> str:
    """Any header and payload under a right signature, made without the library."""
    key = KeyRing(ROOTS).subkey(root, f"skua/v1/jwt/{info}")
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = f"{b64(head)}.{b64(payload)}"
    return f"{body}.{b64(hmac.digest(key, body.encode(), 'sha256'))}"


HEADER: dict[str, Any] = {"alg": "HS256", "kid": "k1", "typ": "session+jwt"}
IAT = int(NOON.timestamp())
LIFE = 30 * 86_400
INSIDE: dict[str, Any] = {
    "iss": "https://skua.example",
    "aud": "https://skua.example",
    "sub": str(ANA),
    "sid": SID,
    "iat": IAT,
    "exp": IAT + LIFE,
    "aat": IAT,
}


def packed(claims: dict[str, Any]) -> bytes:
    return msgspec.json.encode(claims)


def read(token: str) -> SessionClaims | None:
    return jwt_tokens("k1").read(token, now=NOON)


def test_the_form_is_the_documented_one() -> None:
    token = jwt_tokens("k1").issue(CLAIMS).reveal()
    header, payload, _ = token.split(".")
    header_in_it = json.loads(urlsafe_b64decode(header + "=="))
    claims_in_it = json.loads(urlsafe_b64decode(payload + "=="))

    assert header_in_it == HEADER
    assert claims_in_it == INSIDE | {"aat": IAT - 2 * 86_400}
    assert read(signed(HEADER, packed(INSIDE))) is not None


@pytest.mark.parametrize(
    "header",
    [
        *(HEADER | {"alg": alg} for alg in ("none", "None", "HS384", "HS512", "RS256", "", None)),
        *(HEADER | {"typ": typ} for typ in ("JWT", "reset+jwt", "SESSION+JWT", "", None)),
        *(HEADER | {"kid": kid} for kid in ("k0", "k9", "", None, 1, ["k1"], "../k1", "k1\x00")),
        *({key: HEADER[key] for key in HEADER if key != missing} for missing in HEADER),
        *(HEADER | {name: more} for name, more in [("crit", ["exp"]), ("b64", False), ("x", 1)]),
        *([], None, 1, "session+jwt", b"", b"\xff", b"{", b"[" * 1000, b'{"alg":1e999}'),
    ],
)
def test_another_header_is_no_token(header: object) -> None:
    assert read(signed(header, packed(INSIDE))) is None


@pytest.mark.parametrize("missing", INSIDE)
def test_each_claim_is_needed(missing: str) -> None:
    claims = {name: value for name, value in INSIDE.items() if name != missing}

    assert read(signed(HEADER, packed(claims))) is None


@pytest.mark.parametrize(
    "change",
    [
        *({"iss": other} for other in ("skua", "https://skua.example/", "", None, 1)),
        *({"aud": other} for other in ("skua", ["https://skua.example"], "", None)),
        *({"sub": other} for other in ("", "ana", 1, None, str(ANA).upper(), f"{{{ANA}}}")),
        *({"sid": other} for other in ("", SID[:-1], SID + "A", SID[:-1] + "é", None, 1)),
        *({"iat": other} for other in (str(IAT), IAT + 0.5, True, None, -(10**30), IAT - 1)),
        *({"exp": other} for other in (IAT, IAT - 1, IAT + LIFE + 1, 10**18, 10**400, -1)),
        *(
            {"exp": other}
            for other in (1e300, float(IAT + LIFE), str(IAT + LIFE), True, None, [IAT])
        ),
        *({"aat": other} for other in (str(IAT), 1e300, 10**18, 10**30, None)),
        {"iat": 10**17, "exp": 10**17 + LIFE},
        {"nbf": IAT},
    ],
)
def test_a_claim_that_is_not_as_it_has_to_be_is_worthless(change: dict[str, Any]) -> None:
    # json.dumps: msgspec can't write integers of any length.
    payload = json.dumps(INSIDE | change, separators=(",", ":")).encode()

    assert read(signed(HEADER, payload)) is None


def test_a_shorter_life_than_the_usual_is_kept() -> None:
    token = signed(HEADER, packed(INSIDE | {"exp": IAT + 60}))

    assert read(token) is not None
    assert jwt_tokens("k1").read(token, now=NOON + timedelta(seconds=60)) is None


@pytest.mark.parametrize("name", INSIDE)
def test_a_claim_that_is_there_twice_makes_it_worthless(name: str) -> None:
    other = {name: "https://evil.example"} if isinstance(INSIDE[name], str) else {name: IAT + 1}
    twice = packed(other)[:-1] + b"," + packed(INSIDE)[1:]

    assert json.loads(twice) == INSIDE
    assert read(signed(HEADER, twice)) is None


def test_another_spelling_of_the_same_claims_is_worthless() -> None:
    assert read(signed(HEADER, json.dumps(INSIDE).encode())) is None
    assert read(signed(HEADER, packed(dict(reversed(INSIDE.items()))))) is None
    assert read(signed(HEADER, b"\xef\xbb\xbf" + packed(INSIDE))) is None


def test_a_token_of_another_installation_or_for_another_use_is_worthless() -> None:
    staging = jwt_tokens("k1", installation="https://staging.skua.example")

    assert read(staging.issue(CLAIMS).reveal()) is None
    assert read(signed(HEADER, packed(INSIDE), info="email-change")) is None
    assert read(signed(HEADER, packed(INSIDE), root="k2")) is None


@pytest.mark.parametrize("secret", [b"", b"secret", b"changeme", ROOTS["k1"]])
def test_a_guessed_key_signs_nothing(secret: bytes) -> None:
    body = signed(HEADER, packed(INSIDE)).rpartition(".")[0]

    assert read(f"{body}.{b64(hmac.digest(secret, body.encode(), 'sha256'))}") is None
    assert read(f"{body}.") is None


def test_what_no_cookie_would_hold_is_not_even_decoded() -> None:
    assert read(signed(HEADER, packed(INSIDE | {"sid": "A" * 4096}))) is None
    assert read("A" * 10_000_000) is None
