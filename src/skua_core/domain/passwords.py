"""Which passwords are good enough to be taken."""

import functools
import re
import unicodedata
from collections.abc import Iterable
from importlib import resources

from skua_core.errors import PasswordUnfit

SHORTEST = 12
LONGEST = 128
"""Code points, as they are counted after normalisation to NFC."""
MOST_BYTES = 1024
"""Of what was sent: nobody makes Skua normalise a book."""

_FEWEST_OTHERS = 5
"""Characters that have to be left of a password without what is guessed first."""
_SHORTEST_WALK = 4
_SHORTEST_CONTEXT_WORD = 3
_WALKS = (
    "1234567890123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl;'",
    "qsdfghjklm",
    "zxcvbnm,./",
    "yxcvbnm,.-",
    "wxcvbn",
    "!@#$%^&*()_+",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik(ol)p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1a2b3c4d5e6f7g8h9i0j",
    "a1b2c3d4e5f6g7h8i9j0",
    "a1s2d3f4g5h6j7k8l9",
    "qawsedrftgyhujikolp",
    "qazxswedcvfrtgbnhyujmkiolp",
    "zaqwsxcderfvbgtyhnmjuiklop",
    "12qwaszx34erdfcv56tyghbn",
    "1qa2ws3ed4rf5tg6yh7uj8ik9ol",
    "12qw34er56ty78ui90op",
    "1z2x3c4v5b6n7m",
    "z1x2c3v4b5n6m7",
    "qweasdzxcqweasd",
    "147258369",
    "741852963",
    "0147896325",
    "789456123",
    "123654789",
    "159753",
    "010203040506070809",
    "102030405060708090",
    "13579",
    "24680",
    "112233445566778899001122",
    "aabbccddeeffgghhiijjkkllmm",
    "abc123abc123",
    "123abc123abc",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
)
_ALL_WALKS = "\n".join((*_WALKS, *(walk[::-1] for walk in _WALKS)))
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_ONE_CHARACTER = re.compile(r"(.)\1{2,}", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]+")
# What people write for letters; the digit 1 stands for two.
_DISGUISES = ("48@36!1|0$5729", "abaegiiiosstzg"), ("48@36!1|0$5729", "abaegillosstzg")
# Russian words, typed while the keyboard is set to Latin letters.
_LAYOUTS = "qwertyuiop[]asdfghjkl;'zxcvbnm,.", "йцукенгшщзхъфывапролджэячсмитьбю"
_READINGS = tuple(str.maketrans(typed, meant) for typed, meant in (*_DISGUISES, _LAYOUTS))


def check_password(text: str, login: str, name: str) -> None:
    """Raises PasswordUnfit, for a password that is too short, too long or too common.

    ``login`` and ``name`` are its owner's, or empty. What is left of it must be something, once
    those, one common word, years, repetitions and walks over the keyboard are taken away.
    """
    _check_size(text)
    if _is_common(text, _context_words(login, name)):
        raise PasswordUnfit(
            "it is little more than a common word, a name, a year, a repetition or a row of keys, "
            "which is what anybody would try first"
        )


def _check_size(text: str) -> None:
    try:
        sent = len(text.encode())
    except UnicodeEncodeError:  # half of a character, which JSON can write and no text has
        raise PasswordUnfit("it has characters that no text has") from None
    if sent > MOST_BYTES:
        raise PasswordUnfit(f"it has more than {MOST_BYTES:,} bytes")
    length = len(unicodedata.normalize("NFC", text))
    if length < SHORTEST:
        raise PasswordUnfit(f"it has fewer than {SHORTEST} characters")
    if length > LONGEST:
        raise PasswordUnfit(f"it has more than {LONGEST} characters")


def _context_words(login: str, name: str) -> set[str]:
    words = {"skua"}
    for whole in (login, login.partition("@")[0], name):
        folded = _folded(whole)
        parts = _LETTERS.findall(folded)
        words |= {folded, *parts, "".join(parts)}
    return {word for word in words if len(word) >= _SHORTEST_CONTEXT_WORD}


def _is_common(text: str, context: Iterable[str]) -> bool:
    unit = _repeated_unit(_folded(text))
    if unit in _common_words():
        return True
    readings = [unit, *(unit.translate(table) for table in _READINGS)]
    guessed = _walks(unit)
    for pattern in (_YEAR, _ONE_CHARACTER):
        for found in pattern.finditer(unit):
            guessed.update(range(*found.span()))
    for reading in readings:
        for word in context:
            guessed |= _places(word, reading)
        guessed |= max(
            (_places(word, reading) for word in _common_words() if word in reading),
            key=len,
            default=set(),
        )
    return len(unit) - len(guessed) < _FEWEST_OTHERS


def _folded(text: str) -> str:
    # Compatible forms too: full-width letters hide a word from nobody who tries it. Single
    # characters become up to eighteen, which is time and no password that anybody would try.
    return unicodedata.normalize("NFKC", text).casefold()[: 2 * LONGEST]


def _repeated_unit(text: str) -> str:
    """What the text repeats, the last time perhaps in part; else the text."""
    for length in range(1, len(text) // 2 + 1):
        if text[length:] == text[:-length]:
            return text[:length]
    return text


def _walks(text: str) -> set[int]:
    """The places of characters that follow each other on the keyboard or in the alphabet."""
    places: set[int] = set()
    start = 0
    while start <= len(text) - _SHORTEST_WALK:
        end = start + _SHORTEST_WALK
        while end <= len(text) and text[start:end] in _ALL_WALKS:
            end += 1
        if end > start + _SHORTEST_WALK:
            places.update(range(start, end - 1))
        start += 1
    return places


def _places(word: str, text: str) -> set[int]:
    """The places in which the word stands, as often as it does."""
    places: set[int] = set()
    start = text.find(word)
    while start >= 0:
        places.update(range(start, start + len(word)))
        start = text.find(word, start + len(word))
    return places


@functools.cache
def _common_words() -> frozenset[str]:
    written = (
        resources.files("skua_core.domain").joinpath("common_passwords.txt").read_text("utf-8")
    )
    lines = (line for line in written.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())
