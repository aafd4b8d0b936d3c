"""What the simulated Bot API answers when it says no, in the words of Telegram's own server.

The words are those of tdlib/telegram-bot-api 10.0 and of TDLib, read at 01a3679 (2026-05-07).
"""

from collections.abc import Mapping
from http import HTTPStatus


class Refusal(Exception):
    """Answered as ``{"ok": false, …}`` with the HTTP status equal to ``error_code``."""

    def __init__(
        self,
        error_code: int,
        description: str,
        parameters: Mapping[str, int] | None = None,
        *,
        limit: str | None = None,
    ) -> None:
        super().__init__(description)
        self.error_code = error_code
        self.description = description
        self.parameters = dict(parameters or {})
        self.limit = limit
        """Which limit was exceeded, for a 429; Telegram doesn't say."""

    @property
    def retry_after(self) -> int | None:
        return self.parameters.get("retry_after")


def bad_request(reason: str) -> Refusal:
    """``reason`` begins as Telegram prints it: lower case unless it is a constant such as
    ``BUTTON_DATA_INVALID``."""
    return Refusal(HTTPStatus.BAD_REQUEST, f"Bad Request: {reason}")


def forbidden(reason: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, f"Forbidden: {reason}")


def conflict(reason: str) -> Refusal:
    return Refusal(HTTPStatus.CONFLICT, f"Conflict: {reason}")


def unauthorized() -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized")


def not_found(reason: str = "") -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, f"Not Found: {reason}" if reason else "Not Found")


def too_many_requests(retry_after: int, limit: str) -> Refusal:
    return Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"Too Many Requests: retry after {retry_after}",
        {"retry_after": retry_after},
        limit=limit,
    )


def too_large() -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")


def migrated(to_chat_id: int) -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "Bad Request: group chat was upgraded to a supergroup chat",
        {"migrate_to_chat_id": to_chat_id},
    )


_WORDS_FOR_MEDIA = {
    "WEBPAGE_CURL_FAILED": "failed to get HTTP URL content",
    "WEBPAGE_MEDIA_EMPTY": "wrong type of the web page content",
    "MEDIA_EMPTY": "wrong file identifier/HTTP URL specified",
}


class MediaRefused(Exception):
    """Telegram's data centre doesn't take a file; its text is the constant that it answers with."""

    @property
    def alone(self) -> Refusal:
        """As it is told of a message with one file."""
        return bad_request(_WORDS_FOR_MEDIA.get(str(self), str(self)))

    def in_album(self, number: int) -> Refusal:
        """As it is told of an album's file, counted from 1."""
        error = str(self)
        if error == "MEDIA_EMPTY":
            error = "Wrong file identifier/HTTP URL specified"
        return bad_request(f'failed to send message #{number} with the error message "{error}"')
