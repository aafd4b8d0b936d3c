"""HEAD and OPTIONS say what GET would, and change nothing."""

from tests.unit.http.place import Place


async def test_head_is_get_without_a_body(place: Place) -> None:
    for path in (b"/healthz", b"/problems", b"/api/openapi.json", b"/nowhere", b"/api/auth/me"):
        asked = await place.client.call("HEAD", path)
        got = await place.client.get(path)

        assert asked.body == b""
        assert asked.status == got.status
        assert asked.header("content-length") == got.header("content-length")
        assert asked.header("content-type") == got.header("content-type")


async def test_head_of_what_only_changes_things_is_405(place: Place) -> None:
    answer = await place.client.call("HEAD", b"/api/auth/login")

    assert (answer.status, answer.body) == (405, b"")
    assert answer.header("allow") == "OPTIONS, POST"


async def test_options_say_which_methods_there_are(place: Place) -> None:
    answer = await place.client.call("OPTIONS", b"/api/auth/sessions")

    assert answer.status == 204
    assert answer.header("allow") == "DELETE, GET, HEAD, OPTIONS"
