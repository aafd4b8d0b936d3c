"""Reading lists of chats, whatever they are sent as."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.errors import ImportUnreadable
from skua_core.use_cases.csv_lines import CsvLine, CsvSubscriber, Refusal, read_subscribers


async def chunks(content: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: str | bytes, size: int = 7) -> list[CsvLine]:
    raw = content.encode() if isinstance(content, str) else content
    return [line async for line in read_subscribers(chunks(raw, size))]


async def found(content: str | bytes) -> list[CsvSubscriber]:
    lines = await read(content)
    assert [line.found for line in lines if isinstance(line.found, Refusal)] == []
    return [line.found for line in lines if isinstance(line.found, CsvSubscriber)]


async def reasons(content: str | bytes) -> list[tuple[int, str]]:
    return [
        (line.line, line.found.reason)
        for line in await read(content)
        if isinstance(line.found, Refusal)
    ]


async def test_columns_are_known_by_their_names() -> None:
    (ana,) = await found(
        "city,chat_id,first_name,last_name,username,language\nRome,1,Ana,Ruiz,@ana,es\n"
    )

    assert ana.chat_id == 1
    assert (ana.profile.first_name, ana.profile.last_name) == ("Ana", "Ruiz")
    assert (ana.profile.username, ana.profile.language) == ("ana", "es")
    assert ana.attributes == {"city": "Rome"}


async def test_empty_cells_and_missing_ones_are_no_values() -> None:
    ana, ben = await found("chat_id,first_name,city\n1,,\n2\n")

    assert (ana.profile.first_name, ana.attributes) == (None, {})
    assert (ben.profile.first_name, ben.attributes) == (None, {})


async def test_a_list_without_a_header_is_one_of_chat_ids() -> None:
    assert [row.chat_id for row in await found("1\n-1000000000500\n3")] == [1, -1000000000500, 3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    (ana,) = await found(f"chat_id{delimiter}first_name\n1{delimiter}Ana\n")

    assert ana.profile.first_name == "Ana"


async def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_not_matter() -> None:
    rows = await found(b"\xef\xbb\xbfchat_id,first_name\r\n\r\n1,Ana\r\n   \r\n2,Ben")

    assert [(row.chat_id, row.profile.first_name) for row in rows] == [(1, "Ana"), (2, "Ben")]


async def test_quoted_cells_hold_delimiters_and_quotes() -> None:
    (ana,) = await found('chat_id,first_name\n1,"Ana, ""the gull"""\n')

    assert ana.profile.first_name == 'Ana, "the gull"'


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "Ana",
        "12x",
        "1.5",
        "1.2E+09",
        "+5",
        "0",
        "--1",
        "1 2",
        "\uff14\uff12",
        "9" * 16,
        str(2**52),
    ],
)
async def test_a_line_without_a_chat_id_is_refused(cell: str) -> None:
    assert await reasons(f"chat_id,first_name\n{cell},x\n7,ok\n") == [
        (2, "its chat_id isn't a Telegram chat id")
    ]


async def test_each_refusal_names_its_line_and_reason() -> None:
    content = (
        b"chat_id,first_name\n"
        b"1,Ana\n"
        b"2,caf\xe9\n"
        b"\n"
        b'3,"open\n'
        b"4,a,b\n"
        b"5,a\0b\n" + b"6," + b"x" * 9000 + b"\n"
        b"7,Zoe\n"
    )

    refused = await reasons(content)

    assert [line for line, _ in refused] == [3, 5, 6, 7, 8]
    for (_, reason), word in zip(
        refused, ["UTF-8", "CSV", "more cells", "NUL", "longer"], strict=True
    ):
        assert word in reason
    assert [line.line for line in await read(content)] == [2, 3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("chat_id\n1\n".encode("utf-16"), "UTF-8"),
        ("chat_id,größe\n1,2\n".encode("latin-1"), "UTF-8"),
        ("c\0hat_id\n1\n", "UTF-16"),
        ("first_name,username\nAna,ana\n", "no column chat_id"),
        ("1,Ana\n2,Ben\n", "no column chat_id"),
        ("chat_id,city,city\n1,a,b\n", "twice"),
        ("chat_id,home town\n1,a\n", "'home town'"),
        ("chat_id,\n1,\n", "''"),
        ("chat_id,größe\n1,2\n", "'größe'"),
        ('chat_id,"city\n1,a\n', "header can't be read"),
        ("chat_id," + ",".join(f"c{n}" for n in range(100)) + "\n1\n", "more than 100"),
        (b"x" * 100_000, "longer"),
        (b"PK\x03\x04\x14\x00\x06\x00", "NUL"),
    ],
)
async def test_what_is_no_such_file_is_refused_whole(content: str | bytes, problem: str) -> None:
    with pytest.raises(ImportUnreadable, match=problem):
        await read(content)


async def test_a_line_that_never_ends_is_not_kept_in_memory() -> None:
    longest = 0

    async def endless() -> AsyncIterator[bytes]:
        yield b"chat_id\n"
        for _ in range(2000):
            yield b"x" * 1000

    async for line in read_subscribers(endless()):
        longest = max(longest, len(str(line)))

    assert longest < 200


@given(st.binary(max_size=300), st.integers(1, 50))
async def test_any_bytes_are_read_or_refused_the_same_however_they_are_cut(
    content: bytes, size: int
) -> None:
    async def outcome(size: int) -> list[CsvLine] | str:
        try:
            return await read(b"chat_id,a\n" + content, size)
        except ImportUnreadable as error:
            return str(error)

    assert await outcome(size) == await outcome(10_000)


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\n\r"), max_size=40
)


@given(st.lists(st.tuples(st.integers(1, 2**52 - 1), NAMES, NAMES), max_size=20))
async def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[int, str, str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([("chat_id", "first_name", "city"), *rows])

    read_back = await found(buffer.getvalue())

    assert [
        (row.chat_id, row.profile.first_name or "", row.attributes.get("city", ""))
        for row in read_back
    ] == [(chat, name.strip(), city.strip()) for chat, name, city in rows]
