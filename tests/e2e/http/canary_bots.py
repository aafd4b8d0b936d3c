"""A bot with a few people, whom Telegram sends to and no further."""

import json
import re

from tests.e2e.http.canaries import Kind, make_token
from tests.e2e.http.canary_browser import BROKEN_OFF, Browser
from tests.e2e.http.canary_installation import Installation

PEOPLE = range(7_000_001, 7_000_006)


class BotJourney:
    """Each step by the ``skua`` command, as an operator takes it; updates come over HTTP."""

    def __init__(self, scene: Installation, token: str, next_token: str) -> None:
        self._scene = scene
        self._token, self._next_token = token, next_token
        self._telegram_id = int(token.partition(":")[0])
        canaries = scene.canaries
        for name, each in (("bot token", token), ("next bot token", next_token)):
            canaries.secret(name, each.partition(":")[2])
        self._text, self._reply, self._person = (f"{make_token()}" for _ in range(3))
        # Whoever sends is shown what they send.
        canaries.personal("broadcast's text", self._text, Kind.SHELL)
        canaries.personal("reply's text", self._reply)
        canaries.personal("subscriber's name", self._person)

    async def connects(self) -> None:
        scene = self._scene
        wrong = f"{self._telegram_id}:{make_token()}{make_token()[:15]}"
        scene.canaries.secret("bot token that Telegram refuses", wrong.partition(":")[2])
        scene.canaries.secret("half a bot token", half := make_token())
        for bad in (wrong, f"{self._telegram_id}:{half}", half):
            await scene.shell("bot", "add", "gulls", typed=f"{bad}\n", fails=True)
        added = await scene.shell("bot", "add", "gulls", "--json", typed=f"{self._token}\n")
        assert json.loads(added)["problem"] is None, added
        await scene.telegram.add_audience(self._telegram_id, PEOPLE)
        people = "".join(f"{person},{self._person}\n" for person in PEOPLE)
        await scene.shell("subscribers", "import", "-", typed=f"chat_id,first_name\n{people}")

    async def sends(self) -> None:
        scene = self._scene
        await self._send("First")
        await scene.until(lambda: len(scene.telegram.book().accepted()) == len(PEOPLE))
        await scene.telegram.say(self._telegram_id, PEOPLE[0], f"{self._reply} 1")
        await scene.until(lambda: self._reply.encode() in scene.relay.asked)

    def learns_the_webhook(self) -> tuple[str, str]:
        """Its address's path and its secret, as they passed from Telegram to the server."""
        asked = self._scene.relay.asked
        path = re.findall(rb"POST (/webhooks/telegram/[^ ]+) ", asked)[-1].decode()
        secret = re.findall(rb"(?i)x-telegram-bot-api-secret-token: (\S+)", asked)[-1].decode()
        self._scene.canaries.secret("webhook secret", secret)
        self._scene.canaries.secret("webhook tag", path.rpartition("/")[2])
        self._scene.webhook = path, secret
        return path, secret

    async def is_called_by_others(self, browser: Browser) -> None:
        """Telegram's calls, well and badly made, and those of whoever guesses."""
        path, secret = self.learns_the_webhook()
        name = "X-Telegram-Bot-Api-Secret-Token"
        guess = make_token()
        self._scene.canaries.secret("guessed webhook secret", guess)
        for where, header, body, expect in (
            (path, guess, b"{}", 403),
            (path[:-1], secret, b"{}", 403),
            (f"{path}/{guess}", secret, b"{}", 403),
            (path, secret, f'{{"update_id": "{self._reply}'.encode(), 200),
            (path, secret, f'{{"update_id": 1, "message": "{self._reply}"}}'.encode(), 200),
            (path, secret, b"x" * 1_000_001, {413, BROKEN_OFF}),
        ):
            await browser.call("POST", where, body, expect=expect, headers={name: header})
        await browser.call("GET", path, expect=405, headers={name: secret})
        update = {"update_id": 4_000_000, "message": {"text": self._reply}}
        async with self._scene.failing_rows("tenant.updates"):
            await browser.call(
                "POST",
                path,
                update | {"message": a_message(self._reply)},
                expect={500, 503},
                headers={name: secret},
            )

    async def loses_its_token(self) -> None:
        """Telegram takes the token back while the worker sends with it."""
        scene = self._scene
        await scene.telegram.ask("DELETE", f"/simulator/bots/{self._telegram_id}/token")
        await self._send("Second")

        async def is_noticed() -> bool:
            return not await scene.sql("SELECT 1 FROM platform.bots WHERE token_state = 'active'")

        await scene.until_so(is_noticed)
        await scene.telegram.ask(
            "PUT", f"/simulator/bots/{self._telegram_id}/token", {"token": self._next_token}
        )
        bot = json.loads(await scene.shell("bot", "list", "--json"))
        await scene.shell("bot", "token", bot["slug"], typed=f"{self._next_token}\n")
        await scene.shell("bot", "list")
        await scene.shell("broadcast", "report")
        before = len(scene.relay.asked)
        await scene.telegram.say(self._telegram_id, PEOPLE[0], f"{self._reply} 2")
        await scene.until(lambda: self._reply.encode() in scene.relay.asked[before:])
        self.learns_the_webhook()

    async def _send(self, greeting: str) -> None:
        await self._scene.shell("broadcast", "send", "--text", f"{greeting}: {self._text}")


def a_message(text: str) -> dict[str, object]:
    person = {"id": PEOPLE[0], "is_bot": False, "first_name": "Ana"}
    return {
        "message_id": 900,
        "date": 1_900_000_000,
        "chat": {"id": PEOPLE[0], "type": "private", "first_name": "Ana"},
        "from": person,
        "text": text,
    }
