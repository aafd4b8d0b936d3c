"""One person's life with an account, with every wrong turn that people take."""

import base64
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.http.canaries import make_token
from tests.e2e.http.canary_browser import Answer, Browser
from tests.e2e.http.canary_installation import Installation

OWN = ("address", "name", "new address")
SEEN = tuple(
    f"{name}'s {what}"
    for name in ("Ana", "Ana elsewhere")
    for what in ("browser", "address of the network")
)


@dataclass
class Ana:
    """Her passwords, in the order in which she has them, and what she holds at the moment."""

    scene: Installation
    browser: Browser
    passwords: list[str] = field(default_factory=list)
    recovery_codes: list[str] = field(default_factory=list)
    totp_secret: str = ""

    def __post_init__(self) -> None:
        canaries, local = self.scene.canaries, f"ana.{make_token()}"
        self.email, self.new_email = f"{local}@example.org", f"new.{make_token()}@example.org"
        self.name = f"Ana {make_token()}"
        canaries.personal("address", local)
        canaries.personal("new address", self.new_email.partition("@")[0])
        canaries.personal("name", self.name)
        middle = 'ü"&1' + " wren" * 14
        for number in range(3):
            self.passwords.append(f"{make_token()}{middle if number else ''}{make_token()}")
            canaries.secret(f"password {number}", self.passwords[-1])

    def wrong(self) -> str:
        return self.scene.canaries.made("wrong password")

    def unlike(self, code: str) -> str:
        """A code as long that isn't right."""
        wrong = f"{(int(code) + 5_000) % 10 ** len(code):0{len(code)}}"
        self.scene.canaries.secret("wrong code", wrong)
        return wrong

    async def registers(self) -> None:
        ask, canaries = self.browser, self.scene.canaries
        body = {"email": self.email, "password": self.passwords[0], "name": self.name}
        async with self.scene.failing_rows("platform.challenges"):
            await ask.post("/api/auth/register", body, expect=500)
        registered = await ask.post("/api/auth/register", body, expect=202)
        handle = registered["registration_id"]
        canaries.secret("registration", handle, registered.place)
        code = await self.scene.code_for(self.email)
        await ask.post("/api/auth/resend", {"registration_id": handle}, expect=202)
        newer = await self.scene.code_for(self.email)
        proof = {"registration_id": handle, "code": self.unlike(newer)}
        await ask.post("/api/auth/verify", proof, expect=400)
        await ask.post("/api/auth/verify", proof | {"code": code}, expect={204, 400})
        async with self.scene.failing_rows("platform.users"):
            await ask.post("/api/auth/verify", proof | {"code": newer}, expect=500)
        await ask.post("/api/auth/verify", proof | {"code": newer})
        again = await ask.post("/api/auth/register", body, expect=202)
        canaries.secret("second registration", again["registration_id"], again.place)

    async def signs_in(self, browser: Browser, *, expect: int = 200, **more: str) -> Answer:
        body = {"email": self.email, "password": self.passwords[0], **more}
        shows = OWN if expect == 200 else ()
        return await browser.post("/api/auth/login", body, expect=expect, shows=shows)

    async def signs_in_at_last(self) -> None:
        await self.signs_in(self.browser, expect=401, password=self.wrong())
        for table in ("platform.devices", "platform.sessions"):
            async with self.scene.failing_rows(table):
                await self.signs_in(self.browser, expect=500)
        await self.signs_in(self.browser)
        await self.browser.get("/api/auth/me", shows=OWN)

    async def takes_a_second_factor(self, other_browser: Browser) -> None:
        ask, canaries = self.browser, self.scene.canaries
        begun = await ask.post("/api/auth/totp", expect=200, shows=OWN)
        self.totp_secret = begun["secret"]
        canaries.secret("TOTP secret", self.totp_secret, begun.place)
        canaries.secret("TOTP secret's bytes", base64.b32decode(self.totp_secret))
        await ask.post("/api/auth/totp/confirm", {"code": self.unlike(self.totp())}, expect=400)
        async with self.scene.failing_rows("platform.recovery_codes"):
            await ask.post("/api/auth/totp/confirm", {"code": self.totp()}, expect=500)
        confirmed = await ask.post("/api/auth/totp/confirm", {"code": self.totp()}, expect=200)
        self._keep_codes(confirmed)
        await self.signs_in(other_browser, expect=401)
        await self.signs_in(other_browser, expect=401, totp=self.unlike(self.totp()))
        await self.signs_in(other_browser, totp=self.totp(later=1))
        step_up = {"password": self.passwords[0], "totp": self.recovery_codes.pop()}
        await ask.post("/api/auth/step-up", step_up | {"password": self.wrong()}, expect=401)
        await ask.post("/api/auth/step-up", step_up)
        self._keep_codes(await ask.post("/api/auth/totp/recovery-codes", expect=200))

    async def makes_keys(self, program: Browser) -> None:
        ask = self.browser
        wish = {"name": "nightly", "access": "write"}
        async with self.scene.failing_rows("platform.api_keys"):
            await ask.post("/api/auth/api-keys", wish, expect=500)
        made = await ask.post("/api/auth/api-keys", wish, expect=201)
        key = made["secret"]
        self.scene.canaries.secret("API key", key.removeprefix("skua_"), made.place)
        await self._with(program, key, expect=200)
        for wrong in (f"{key}x", f"{key} {key}"):
            await self._with(program, wrong, expect=401)
        await ask.call(
            "GET",
            "/api/auth/me",
            expect=400,
            headers={
                "Cookie": "; ".join(f"{name}={value}" for name, value in ask.cookies.items()),
                "Authorization": f"Bearer {key}",
            },
        )
        await program.call(
            "POST",
            "/api/auth/api-keys",
            wish,
            expect=403,
            headers={"Authorization": f"Bearer {key}"},
        )
        await ask.get("/api/auth/api-keys")
        await ask.call("DELETE", f"/api/auth/api-keys/{made['api_key']['id']}", expect=204)
        await self._with(program, key, expect=401)

    async def looks_around(self) -> None:
        for path in ("sessions", "devices"):
            await self.browser.get(f"/api/auth/{path}", shows=SEEN)
        await self.browser.get("/api/account/export", shows=(*OWN, *SEEN))

    async def changes_password_and_address(self) -> None:
        ask, canaries = self.browser, self.scene.canaries
        first, second, _ = self.passwords
        change = {"current_password": self.wrong(), "new_password": second}
        await ask.call("PUT", "/api/auth/password", change, expect=401)
        canaries.secret("short password", short := make_token()[:11])
        change = {"current_password": first, "new_password": short}
        await ask.call("PUT", "/api/auth/password", change, expect=400)
        change = {"current_password": first, "new_password": second}
        async with self.scene.failing_rows("platform.credentials"):
            await ask.call("PUT", "/api/auth/password", change, expect={204, 500})
        change_again = await ask.call("PUT", "/api/auth/password", change, expect={204, 401})
        assert change_again.status in {204, 401}
        self.passwords.pop(0)
        asked = await ask.post("/api/auth/email", {"email": self.new_email}, expect=202)
        canaries.secret("change of address", asked["change_id"], asked.place)
        code = await self.scene.code_for(self.new_email)
        proof = {"change_id": asked["change_id"], "code": self.unlike(code)}
        await ask.post("/api/auth/email/confirm", proof, expect=400)
        await ask.post("/api/auth/email/confirm", proof | {"code": code})
        self.email = self.new_email

    async def forgets_password(self) -> None:
        ask, canaries = self.browser, self.scene.canaries
        forgot = await ask.post("/api/auth/password/forgot", {"email": self.email}, expect=202)
        canaries.secret("reset", forgot["reset_id"], forgot.place)
        code = await self.scene.code_for(self.email)
        proof: Mapping[str, str] = {
            "reset_id": forgot["reset_id"],
            "code": code,
            "password": self.passwords[-1],
        }
        await ask.post("/api/auth/password/reset", {**proof, "code": self.unlike(code)}, expect=400)
        await ask.post("/api/auth/password/reset", proof)
        self.passwords.pop(0)
        await self.signs_in(ask, totp=self.recovery_codes.pop())

    async def leaves(self) -> None:
        ask = self.browser
        step_up = {"password": self.passwords[0], "totp": self.recovery_codes.pop()}
        await ask.post("/api/auth/step-up", step_up)
        for path in ("sessions", "devices", "totp"):
            await ask.call("DELETE", f"/api/auth/{path}", expect=204)
        await ask.post("/api/auth/logout")
        await ask.get("/api/auth/me", expect=401)
        await self.signs_in(ask)
        await ask.call("DELETE", "/api/account", expect=204)
        await self.signs_in(ask, expect=401)

    def totp(self, *, later: int = 0) -> str:
        """RFC 6238, by its letter."""
        step = int(time.time()) // 30 + later
        key = base64.b32decode(self.totp_secret)
        digest = hmac.digest(key, step.to_bytes(8), "sha1")
        start = digest[-1] & 15
        number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
        code = f"{number % 1_000_000:06}"
        self.scene.canaries.secret("TOTP code", code)
        return code

    def _keep_codes(self, answer: Answer) -> None:
        self.recovery_codes = answer["recovery_codes"]
        for code in self.recovery_codes:
            self.scene.canaries.secret("recovery code", code, answer.place)
            self.scene.canaries.secret("bare recovery code", code.replace("-", ""))

    async def _with(self, program: Browser, key: str, *, expect: int) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        await program.call("GET", "/api/auth/me", expect=expect, headers=headers, shows=OWN)
