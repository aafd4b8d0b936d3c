"""One person's whole way through the account's interface."""

import base64
import hmac
import struct
import time

from skua_core.domain.letter import LetterKind
from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.contract.http.house import PASSWORD, House, Person

NEW_PASSWORD = "three cranes over a wet field"


def totp(secret: str, *, steps_ahead: int = 0) -> str:
    """As an authenticator computes it (RFC 6238): a sum of its own, so that both must be right."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(time.time()) // 30 + steps_ahead)
    digest = hmac.digest(key, counter, "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


async def with_second_factor(house: House) -> tuple[Person, str, list[str]]:
    person = await house.signed_in()
    begun = await person.browser.post("/api/auth/totp")
    assert begun.status == 200, begun.body
    secret: str = begun.json["secret"]
    assert secret in begun.json["otpauth_uri"]
    confirmed = await person.browser.post("/api/auth/totp/confirm", {"code": totp(secret)})
    assert confirmed.status == 200, confirmed.body
    return person, secret, confirmed.json["recovery_codes"]


async def test_from_the_registration_to_the_log_out(house: House) -> None:
    person = house.stranger()
    browser = person.browser

    registration_id = await house.register(person)
    too_early = await person.log_in()
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)
    verified = await browser.post(
        "/api/auth/verify", {"registration_id": registration_id, "code": code}
    )
    before = set(browser.cookies)
    logged_in = await person.log_in()
    me = await browser.get("/api/auth/me")
    logged_out = await browser.post("/api/auth/logout")
    after = await browser.get("/api/auth/me")

    assert (too_early.status, too_early.json["code"]) == (401, "invalid-credentials")
    assert (verified.status, verified.body) == (204, b"")
    assert before == set()
    assert logged_in.status == 200
    assert logged_in.json == {"user": me.json}
    assert (me.json["email"], me.json["name"], me.json["totp_enabled"]) == (
        person.email,
        "Ana",
        False,
    )
    assert me.json["created_at"].endswith("Z")
    assert len(me.json["created_at"]) == len("2026-03-01T12:00:00.000000Z")
    assert logged_out.status == 204
    assert logged_out.header("clear-site-data") == '"cache", "storage"'
    assert set(browser.cookies) == {DEVICE_COOKIE}
    assert (after.status, after.json["code"]) == (401, "not-signed-in")


async def test_a_new_code_takes_the_place_of_the_former(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    former = await house.code(person.email, LetterKind.VERIFY_EMAIL)

    resent = await person.browser.post("/api/auth/resend", {"registration_id": registration_id})
    newer = await house.code(person.email, LetterKind.VERIFY_EMAIL)
    by_former = await person.browser.post(
        "/api/auth/verify", {"registration_id": registration_id, "code": former}
    )
    by_newer = await person.browser.post(
        "/api/auth/verify", {"registration_id": registration_id, "code": newer}
    )

    assert (resent.status, resent.body) == (202, b"")
    assert (by_former.status, by_former.json["code"]) == (400, "code-invalid")
    assert by_newer.status == 204


async def test_sessions_are_listed_and_ended_wherever_they_are(house: House) -> None:
    person = await house.signed_in()
    second, third = house.browser(), house.browser()
    for browser in (second, third):
        assert (await person.log_in(browser)).status == 200

    listed = (await person.browser.get("/api/auth/sessions")).json
    first_page = (await person.browser.get("/api/auth/sessions?limit=2")).json
    rest = await person.browser.get(
        f"/api/auth/sessions?limit=2&cursor={first_page['next_cursor']}"
    )
    others = [each for each in listed["items"] if not each["current"]]
    ended = await person.browser.call("DELETE", f"/api/auth/sessions/{others[0]['id']}")
    third_now, second_now = await third.get("/api/auth/me"), await second.get("/api/auth/me")
    all_others = await person.browser.call("DELETE", "/api/auth/sessions")

    assert [each["current"] for each in listed["items"]] == [False, False, True]
    assert listed["next_cursor"] is None
    assert first_page["items"] + rest.json["items"] == listed["items"]
    assert (ended.status, third_now.status, second_now.status) == (204, 401, 200)
    assert all_others.status == 204
    assert (await second.get("/api/auth/me")).status == 401
    assert (await person.browser.get("/api/auth/me")).status == 200


async def test_known_devices_are_listed_and_forgotten(house: House) -> None:
    person = await house.signed_in()
    other = house.browser()
    await person.log_in(other)

    listed = (await person.browser.get("/api/auth/devices")).json["items"]
    forgotten = await person.browser.call("DELETE", f"/api/auth/devices/{listed[0]['id']}")
    left = (await person.browser.get("/api/auth/devices")).json["items"]
    all_forgotten = await person.browser.call("DELETE", "/api/auth/devices")

    assert len(listed) == 2
    assert (forgotten.status, left) == (204, listed[1:])
    assert all_forgotten.status == 204
    assert (await person.browser.get("/api/auth/devices")).json["items"] == []
    kinds = [letter.kind for letter in await house.letters(person.email)]
    assert LetterKind.NEW_DEVICE in kinds


async def test_what_takes_a_password_takes_it_again_after_a_quarter_of_an_hour(
    house: House,
) -> None:
    person = await house.signed_in()
    await house.sql("UPDATE platform.sessions SET stepped_up_at = now() - interval '16 minutes'")

    refused = await person.browser.get("/api/account/export")
    wrong = await person.browser.post("/api/auth/step-up", {"password": "not the heron at all"})
    right = await person.browser.post("/api/auth/step-up", {"password": PASSWORD})
    allowed = await person.browser.get("/api/account/export")

    assert (refused.status, refused.json["code"]) == (403, "step-up-required")
    assert (wrong.status, wrong.json["code"]) == (401, "invalid-credentials")
    assert right.status == 204
    assert allowed.status == 200


async def test_a_second_factor_is_asked_for_and_recovery_codes_stand_in(house: House) -> None:
    person, secret, recovery_codes = await with_second_factor(house)
    browser = house.browser()

    without = await person.log_in(browser)
    wrong = await person.log_in(browser, totp="000000")
    right = await person.log_in(browser, totp=totp(secret, steps_ahead=1))
    again = await person.log_in(house.browser(), totp=totp(secret, steps_ahead=1))
    recovered = await person.log_in(house.browser(), totp=recovery_codes[0])
    recovered_again = await person.log_in(house.browser(), totp=recovery_codes[0])

    for refused in (without, wrong, again, recovered_again):
        assert (refused.status, refused.json["code"]) == (401, "second-factor-required")
    assert right.status == 200
    assert right.json["user"]["totp_enabled"] is True
    assert recovered.status == 200
    assert len(recovery_codes) == 10


async def test_recovery_codes_are_made_anew_and_the_factor_is_removed(house: House) -> None:
    person, _, former = await with_second_factor(house)

    made = await person.browser.post("/api/auth/totp/recovery-codes")
    by_former = await person.log_in(house.browser(), totp=former[0])
    by_new = await person.log_in(house.browser(), totp=made.json["recovery_codes"][0])
    removed = await person.browser.call("DELETE", "/api/auth/totp")
    plainly = await person.log_in(house.browser())

    assert by_former.json["code"] == "second-factor-required"
    assert by_new.status == 200
    assert (removed.status, plainly.status) == (204, 200)


async def test_an_api_key_opens_what_it_was_made_for(house: House) -> None:
    person = await house.signed_in()
    body = {"name": "nightly", "access": "read"}

    created = await person.browser.post("/api/auth/api-keys", body)
    key = created.json["secret"]
    program = house.browser()
    me = await program.call("GET", "/api/auth/me", authorization=f"Bearer {key}")
    writing = await program.call("DELETE", "/api/auth/totp", authorization=f"Bearer {key}")
    sessions = await program.call("GET", "/api/auth/sessions", authorization=f"Bearer {key}")
    listed = (await person.browser.get("/api/auth/api-keys")).json["items"]
    removed = await person.browser.call("DELETE", f"/api/auth/api-keys/{listed[0]['id']}")
    after = await program.call("GET", "/api/auth/me", authorization=f"Bearer {key}")

    assert created.status == 201
    assert key.startswith("skua_")
    assert me.json["email"] == person.email
    assert (writing.status, writing.json["code"]) == (403, "key-not-allowed")
    assert (sessions.status, sessions.json["code"]) == (403, "key-not-allowed")
    assert listed[0]["last_used_at"] is not None
    assert {**listed[0], "last_used_at": None} == created.json["api_key"]
    assert key not in str(listed)
    assert (removed.status, after.status) == (204, 401)


async def test_an_api_key_never_has_a_step_up(house: House) -> None:
    person = await house.signed_in()
    created = await person.browser.post("/api/auth/api-keys", {"name": "all", "access": "write"})
    program, bearer = house.browser(), f"Bearer {created.json['secret']}"

    export = await program.call("GET", "/api/account/export", authorization=bearer)
    erase = await program.call("DELETE", "/api/account", authorization=bearer)
    key = await program.call(
        "POST", "/api/auth/api-keys", {"name": "more", "access": "read"}, authorization=bearer
    )

    for refused in (export, erase, key):
        assert (refused.status, refused.json["code"]) == (403, "step-up-required")


async def test_a_changed_password_ends_the_other_sessions(house: House) -> None:
    person = await house.signed_in()
    other = house.browser()
    await person.log_in(other)

    wrong = await person.browser.call(
        "PUT",
        "/api/auth/password",
        {"current_password": "not the heron at all", "new_password": NEW_PASSWORD},
    )
    changed = await person.browser.call(
        "PUT",
        "/api/auth/password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert (wrong.status, wrong.json["code"]) == (401, "invalid-credentials")
    assert changed.status == 204
    assert (await other.get("/api/auth/me")).status == 401
    assert (await person.browser.get("/api/auth/me")).status == 200
    assert (await person.log_in(house.browser())).status == 401
    newer = Person(person.email, house.browser(), NEW_PASSWORD)
    assert (await newer.log_in()).status == 200
    kinds = [letter.kind for letter in await house.letters(person.email)]
    assert LetterKind.PASSWORD_CHANGED in kinds


async def test_a_forgotten_password_is_reset_and_every_session_ends(house: House) -> None:
    person = await house.signed_in()
    elsewhere = house.browser()

    forgot = await elsewhere.post("/api/auth/password/forgot", {"email": person.email})
    code = await house.code(person.email, LetterKind.RESET_PASSWORD)
    body = {"reset_id": forgot.json["reset_id"], "code": code, "password": NEW_PASSWORD}
    reset = await elsewhere.post("/api/auth/password/reset", body)
    again = await elsewhere.post("/api/auth/password/reset", body)

    assert (forgot.status, reset.status) == (202, 204)
    assert (again.status, again.json["code"]) == (400, "code-invalid")
    assert (await person.browser.get("/api/auth/me")).status == 401
    assert SESSION_COOKIE not in elsewhere.cookies
    newer = Person(person.email, house.browser(), NEW_PASSWORD)
    assert (await newer.log_in()).status == 200


async def test_an_address_changes_once_the_new_one_is_proven(house: House) -> None:
    person = await house.signed_in()
    other = house.browser()
    await person.log_in(other)
    new_address = house.stranger().email

    asked = await person.browser.post("/api/auth/email", {"email": new_address})
    code = await house.code(new_address, LetterKind.CONFIRM_NEW_EMAIL)
    meanwhile = await person.browser.get("/api/auth/me")
    confirmed = await person.browser.post(
        "/api/auth/email/confirm", {"change_id": asked.json["change_id"], "code": code}
    )

    assert asked.status == 202
    assert meanwhile.json["email"] == person.email
    assert confirmed.status == 204
    assert (await person.browser.get("/api/auth/me")).json["email"] == new_address
    assert (await other.get("/api/auth/me")).status == 401
    told = [letter.kind for letter in await house.letters(person.email)]
    assert LetterKind.EMAIL_CHANGED in told


async def test_an_account_is_exported_and_erased(house: House) -> None:
    person = await house.signed_in()

    export = await person.browser.get("/api/account/export")
    erased = await person.browser.call("DELETE", "/api/account")

    assert export.json["email"] == person.email
    assert export.header("content-disposition") == 'attachment; filename="skua-account.json"'
    assert len(export.json["created_at"]) == len("2026-03-01T12:00:00.000000Z")
    assert erased.status == 204
    assert SESSION_COOKIE not in person.browser.cookies
    assert (await person.log_in()).status == 401


async def test_a_session_a_day_old_gets_a_new_cookie_that_is_the_same_session(
    house: House,
) -> None:
    person = await house.signed_in()
    before = dict(person.browser.cookies)

    fresh = await person.browser.get("/api/auth/me")

    assert fresh.header("set-cookie") is None
    assert person.browser.cookies == before
