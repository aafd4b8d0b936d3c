"""What is refused, with which status and code, and what nobody learns from it."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from skua_core.domain.letter import LetterKind
from tests.contract.http.house import PASSWORD, House, Person
from tests.unit.http.client import Answer

REGISTER = {"email": "ana@example.com", "password": PASSWORD, "name": "Ana"}
FULL_WIDTH = "".join(chr(0xFF11 + digit) for digit in range(8))
"""Digits to Python, which takes those of every script."""
HANDLE = "Zk3vT0nX1qYbR8mWc5sLpA"


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/register", {"email": "ana@example.com"}),
        ("/api/auth/register", {**REGISTER, "role": "admin"}),
        ("/api/auth/register", {**REGISTER, "password": 12345678901234}),
        ("/api/auth/register", {**REGISTER, "password": "x" * 1025}),
        ("/api/auth/register", {**REGISTER, "email": "x" * 400}),
        ("/api/auth/register", {**REGISTER, "name": "Ana\u0000"}),
        ("/api/auth/register", {**REGISTER, "name": "Ana\r\nBcc: all"}),
        ("/api/auth/verify", {"registration_id": HANDLE, "code": 12345678}),
        ("/api/auth/login", {"email": "ana@example.com", "password": PASSWORD, "user_id": "1"}),
        ("/api/auth/login", b'{"email": "ana@example.com", "password": "\\ud800"}'),
        ("/api/auth/login", b"[]"),
        ("/api/auth/login", b""),
        ("/api/auth/login", b"{"),
        ("/api/auth/login", b"[" * 5000),
        ("/api/auth/login", b"\xff\xfe"),
    ],
)
async def test_400_for_a_body_that_isnt_what_it_should_be(
    house: House, path: str, body: Mapping[str, object] | bytes
) -> None:
    answer = await house.browser().call("POST", path, body)

    assert refusal(answer) in {(400, "request-invalid"), (400, "bad-request")}
    assert b"ana@example.com" not in answer.body
    assert PASSWORD.encode() not in answer.body


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"email": "no address"}, "email-invalid"),
        ({"email": "ana@"}, "email-invalid"),
        ({"email": "ana\u0000@example.com"}, "email-invalid"),
        ({"password": "short"}, "password-unfit"),
        ({"password": "password1234"}, "password-unfit"),
        ({"password": "x" * 129}, "password-unfit"),
        ({"password": "ana@example.com"}, "password-unfit"),
    ],
)
async def test_400_for_what_no_account_can_be_made_of(
    house: House, changed: dict[str, str], code: str
) -> None:
    answer = await house.browser().post("/api/auth/register", {**REGISTER, **changed})

    assert refusal(answer) == (400, code)


@pytest.mark.parametrize(
    "password",
    ["a" * 60 + "é" * 12, "🐦" * 100, "w" * 72, "w" * 73, "\u0000 and eleven more", "ﬀ" * 40],
)
async def test_a_password_of_any_script_and_length_works_and_is_never_500(
    house: House, password: str
) -> None:
    person = house.stranger()
    registered = await person.browser.post(
        "/api/auth/register", {"email": person.email, "password": password}
    )
    unknown = await Person("nobody@example.com", house.browser(), password).log_in()

    if registered.status == 202:
        code = await house.code(person.email, LetterKind.VERIFY_EMAIL)
        body = {"registration_id": registered.json["registration_id"], "code": code}
        assert (await person.browser.post("/api/auth/verify", body)).status == 204
        logged_in = await Person(person.email, house.browser(), password).log_in()
        assert logged_in.status == 200
    else:
        assert refusal(registered) == (400, "password-unfit")
    assert refusal(unknown) == (401, "invalid-credentials")


@pytest.mark.parametrize("code", ["00000000", FULL_WIDTH, "", "12345678\n", "x" * 64, "\u0000"])
@pytest.mark.parametrize("handle", [HANDLE, "", "../..", "\u0000", "é" * 20])
async def test_400_for_a_code_of_nothing(house: House, handle: str, code: str) -> None:
    browser = house.browser()

    verified = await browser.post("/api/auth/verify", {"registration_id": handle, "code": code})
    reset = await browser.post(
        "/api/auth/password/reset", {"reset_id": handle, "code": code, "password": PASSWORD}
    )

    assert refusal(verified) == refusal(reset) == (400, "code-invalid")


async def test_resending_says_nothing_about_what_it_was_asked_for(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)

    real = await person.browser.post("/api/auth/resend", {"registration_id": registration_id})
    made_up = await house.browser().post("/api/auth/resend", {"registration_id": HANDLE})

    assert real.status == 202
    assert real == made_up


async def test_an_address_with_an_account_is_registered_like_any_other(house: House) -> None:
    member, stranger = await house.member(), house.stranger()

    known = await house.browser().post("/api/auth/register", {**REGISTER, "email": member.email})
    unknown = await house.browser().post(
        "/api/auth/register", {**REGISTER, "email": stranger.email}
    )
    forgotten = await house.browser().post("/api/auth/password/forgot", {"email": member.email})
    never = await house.browser().post("/api/auth/password/forgot", {"email": stranger.email})

    for first, second in ((known, unknown), (forgotten, never)):
        assert first.status == second.status == 202
        assert first.headers == second.headers
        assert first.json.keys() == second.json.keys()
        assert len(first.body) == len(second.body)
    kinds = {letter.kind for letter in await house.letters(member.email)}
    assert LetterKind.ALREADY_REGISTERED in kinds


async def test_whoever_cant_sign_in_gets_the_same_answer_whyever(house: House) -> None:
    member, disabled, stranger = await house.member(), await house.member(), house.stranger()
    await house.register(stranger)
    await house.sql(
        "UPDATE platform.users SET disabled_at = now() WHERE login = $1", disabled.email
    )

    wrong = await Person(member.email, house.browser(), "not the heron at all").log_in()
    unverified = await stranger.log_in(house.browser())
    shut_out = await disabled.log_in(house.browser())
    unknown = await house.stranger().log_in()

    assert refusal(wrong) == (401, "invalid-credentials")
    assert wrong == unverified == shut_out == unknown


@pytest.mark.parametrize("what", ["sessions", "devices", "api-keys"])
async def test_404_alike_for_what_is_foreign_unknown_or_no_id(house: House, what: str) -> None:
    mine, theirs = await house.signed_in(), await house.signed_in()
    for person in (mine, theirs):
        await person.browser.post("/api/auth/api-keys", {"name": "all", "access": "read"})
    foreign = (await theirs.browser.get(f"/api/auth/{what}")).json["items"][0]["id"]
    unknown = str(UUID(int=7))

    answers = [
        await mine.browser.call("DELETE", f"/api/auth/{what}/{each}")
        for each in (foreign, unknown, "nope", foreign.upper(), "%00", "%ff", "x" * 2000)
    ]

    assert refusal(answers[0]) == (404, "item-not-found")
    assert all(answer == answers[0] for answer in answers)
    assert len((await theirs.browser.get(f"/api/auth/{what}")).json["items"]) == 1


async def test_401_without_a_session_whatever_the_body(house: House) -> None:
    for method, path in (
        ("GET", "/api/auth/me"),
        ("PUT", "/api/auth/password"),
        ("POST", "/api/auth/step-up"),
        ("POST", "/api/auth/email"),
        ("POST", "/api/auth/totp/confirm"),
        ("POST", "/api/auth/api-keys"),
        ("DELETE", "/api/account"),
    ):
        answer = await house.browser().call(method, path, b"{" * 900_000)

        assert refusal(answer) == (401, "not-signed-in")
        assert answer.header("www-authenticate") == 'Bearer realm="skua"'


async def test_400_for_a_cookie_and_a_key_at_once(house: House) -> None:
    person = await house.signed_in()
    created = await person.browser.post("/api/auth/api-keys", {"name": "all", "access": "read"})
    key = created.json["secret"]

    answer = await person.browser.call("GET", "/api/auth/me", authorization=f"Bearer {key}")

    assert refusal(answer) == (400, "credentials-ambiguous")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer skua_", "Bearer \xff", "skua_x", "Bearer a b"],
)
async def test_401_for_a_key_that_is_none(house: House, authorization: str) -> None:
    answer = await house.browser().call("GET", "/api/auth/me", authorization=authorization)

    assert refusal(answer) == (401, "not-signed-in")


async def test_logging_out_twice_or_never_in_is_204(house: House) -> None:
    person = await house.signed_in()
    cookies = dict(person.browser.cookies)

    first = await person.browser.post("/api/auth/logout")
    person.browser.cookies.update(cookies)
    second = await person.browser.post("/api/auth/logout")
    never = await house.browser().post("/api/auth/logout")

    assert [first.status, second.status, never.status] == [204, 204, 204]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=nope"])
async def test_400_for_a_page_that_there_cant_be(house: House, query: str) -> None:
    person = await house.signed_in()

    answer = await person.browser.get(f"/api/auth/sessions?{query}")

    assert refusal(answer) == (400, "request-invalid")
    [error] = answer.json["errors"]
    assert error["path"] == query.partition("=")[0]


async def test_429_says_when_to_come_again_and_for_whom_doesnt_matter(house: House) -> None:
    member = await house.member()

    async def last_of_many(email: str) -> Answer:
        for _ in range(6):
            answer = await Person(email, house.browser(), "not the heron at all").log_in()
        return answer

    known, unknown = await last_of_many(member.email), await last_of_many("nobody@example.org")

    assert refusal(known) == refusal(unknown) == (429, "too-many-requests")
    assert 0 < int(known.header("retry-after") or 0) <= 120
    assert known.body == unknown.body


async def test_what_runs_by_session_is_limited_by_session(house: House) -> None:
    one, other = await house.signed_in(), await house.signed_in()

    statuses = [(await one.browser.get("/api/auth/me")).status for _ in range(140)]

    assert 429 in statuses
    assert (await other.browser.get("/api/auth/me")).status == 200
