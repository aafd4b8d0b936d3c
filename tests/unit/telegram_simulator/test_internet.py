"""What Telegram finds at a URL."""

import pytest

from skua_adapters.telegram_simulator import ActionImpossible
from skua_adapters.telegram_simulator.internet import Internet, UrlContent, as_fetched


@pytest.mark.parametrize(
    ("url", "mime_type"),
    [
        ("https://cats.example/1.jpg", "image/jpeg"),
        ("https://cats.example/1.mp4?size=large", "video/mp4"),
        ("https://cats.example/1.pdf", "application/pdf"),
        ("https://cats.example/cats", "text/html"),
        ("https://cats.example/", "text/html"),
    ],
)
def test_an_example_holds_what_its_ending_says(url: str, mime_type: str) -> None:
    content = Internet().fetch(url)

    assert (content.mime_type, content.gone) == (mime_type, False)


@pytest.mark.parametrize("url", ["https://example.com/1.jpg", "https://cats.test/1.jpg"])
def test_whatever_nobody_described_is_gone(url: str) -> None:
    assert Internet().fetch(url).gone


def test_a_described_url_is_the_same_however_it_is_written() -> None:
    internet, content = Internet(), UrlContent(size=7)
    internet.put("HTTPS://Cats.Test", content)

    assert internet.fetch(as_fetched("https://cats.test/")) == content
    assert internet.fetches() == {"https://cats.test/": 1}


@pytest.mark.parametrize("url", ["", "ftp://cats.test/", "https://cats.test:x/"])
def test_what_is_no_url_can_not_be_described(url: str) -> None:
    with pytest.raises(ActionImpossible, match="no URL"):
        Internet().put(url, UrlContent())
