"""What is behind the server goes away, refuses, or fails, while people go on asking."""

import asyncio
import json
from http import HTTPStatus

from tests.e2e.http.canaries import make_token
from tests.e2e.http.canary_accounts import Ana
from tests.e2e.http.canary_bots import a_message
from tests.e2e.http.canary_browser import Browser
from tests.e2e.http.canary_installation import Installation, another_server

LOGIN = "/api/auth/login"
FAULTS = {
    "points": {
        "audit.before_insert": {"action": "raise"},
        "webhook.after_insert": {"action": "raise"},
    }
}


def somebody(scene: Installation, name: str) -> dict[str, str]:
    """Address and password of one who has no account yet."""
    local = make_token()
    scene.canaries.personal(f"{name}'s address", local)
    return {"email": f"{local}@example.org", "password": scene.canaries.made(f"{name}'s password")}


async def lose_the_mail_server(scene: Installation, browser: Browser) -> None:
    """It refuses an address by name, then every mail, then the password; each while one waits."""
    sink = scene.sink
    refused = somebody(scene, "refused")
    sink.answers[refused["email"]] = f"550 5.1.1 <{refused['email']}> is unknown here"
    await _register(scene, browser, refused)
    await scene.until(lambda: "550" in scene.logged() or "refuse" in scene.logged())
    later = somebody(scene, "later")
    sink.answers["DATA"] = f"451 4.3.0 no room for {later['email']}, {later['password']}"
    await _register(scene, browser, later)
    await scene.until(lambda: sink.begun > len(sink.received))
    sink.answers.clear()
    right, sink.credentials = sink.credentials, ("skua", "another")
    tries = sink.auth_tries
    await _register(scene, browser, somebody(scene, "unauthorised"))
    await scene.until(lambda: sink.auth_tries > tries)
    await scene.sweep()
    sink.credentials = right


async def lose_redis(scene: Installation, own: Browser, stranger: Browser) -> None:
    scene.places.append(await scene.watch.seen())
    scene.redis.kill()
    await own.call("GET", "/api/auth/me", expect=200, shows=("new address", "name"))
    await _ask_of_everything(scene, stranger, "without Redis", {401, 429, 503})
    scene.redis.start()
    await scene.watch_redis()


async def lose_the_database(scene: Installation, own: Browser, stranger: Browser) -> None:
    """Killed, and started again only when many have asked."""
    asked = asyncio.gather(
        *(_ask_of_everything(scene, stranger, f"at the end {n}", ANY) for n in range(4))
    )
    await asyncio.sleep(0.05)
    await asyncio.to_thread(scene.kill_database)
    await asked
    await _ask_of_everything(scene, stranger, "without a database", {429, 503})
    await own.call("GET", "/api/auth/me", expect={500, 503})
    await asyncio.to_thread(scene.database.postgres.start)

    async def is_ready() -> bool:
        answer = await stranger.call("GET", "/readyz", expect={200, 503})
        return answer.status == HTTPStatus.OK

    await scene.until_so(is_ready)


ANY = {202, 400, 401, 429, 500, 503}


async def meet_faults(scene: Installation, ana: Ana) -> None:
    """What nobody foresaw: each request that changes anything fails where it notes that."""
    with another_server(scene, SKUA_FAULTS=json.dumps(FAULTS)) as url:
        browser = scene.browser("somebody at the other server", 75, url)
        async with browser:
            await ana.signs_in(browser, expect=500, totp=ana.recovery_codes[-1])
            browser.cookies = dict(ana.browser.cookies)
            change = {"current_password": ana.passwords[0], "new_password": ana.passwords[0][::-1]}
            scene.canaries.secret("password that failed", change["new_password"])
            await browser.call("PUT", "/api/auth/password", change, expect=500)
            asked = {"email": somebody(scene, "failed")["email"]}
            await browser.post("/api/auth/email", asked, expect={202, 500})
            await browser.post("/api/auth/logout", expect=500)
            path, secret = scene.webhook
            scene.canaries.personal("text of an update that failed", text := make_token())
            update = {"update_id": 4_000_001, "message": a_message(text)}
            headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
            await browser.call("POST", path, update, expect=200, headers=headers)
    assert "Traceback" in scene.running[-1].said()


async def guess_too_often(scene: Installation, stranger: Browser) -> None:
    statuses = set()
    for number in range(14):
        body = somebody(scene, f"guess {number}")
        statuses.add((await stranger.post(LOGIN, body, expect={401, 429})).status)
    assert 429 in statuses


async def _register(scene: Installation, browser: Browser, body: dict[str, str]) -> None:
    answer = await browser.post("/api/auth/register", body, expect=202)
    scene.canaries.secret("registration", answer["registration_id"], answer.place)


async def _ask_of_everything(
    scene: Installation, browser: Browser, when: str, expect: set[int]
) -> None:
    body = somebody(scene, when)
    await browser.post(LOGIN, body, expect=expect)
    answer = await browser.post("/api/auth/register", body, expect=expect | {202})
    if answer.status == 202:
        scene.canaries.secret("registration", answer["registration_id"], answer.place)
    proof = {"reset_id": scene.canaries.made(f"{when}, a reset")[:22].replace(" ", "-")}
    proof |= {"code": "00000000", "password": body["password"]}
    await browser.post("/api/auth/password/reset", proof, expect=expect | {400})
    path, secret = scene.webhook
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    scene.canaries.personal("text of an update", text := make_token())
    update = {"update_id": 1, "message": {"text": text}}
    await browser.call("POST", path, update, expect=expect | {200, 403}, headers=headers)
