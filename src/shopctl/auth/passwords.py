"""Which passwords are accepted: long enough, never leaked, not built of common parts or of the user's names.

After NIST SP 800-63B-4, section 3.1.1.2: no rules of composition, no expiry, every character welcome.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shopctl.auth import guessing
from shopctl.auth.password_errors import (
    PasswordCommon,
    PasswordNotText,
    PasswordPersonal,
    PasswordTooLong,
    PasswordTooShort,
    PolicyTooWeak,
)

LOWEST_MINIMUM = 8  # characters, NIST SP 800-63B-4, section 3.1.1.2; the same section asks to accept 64
LOWEST_MAXIMUM = 64
# Powers of ten. A password that stands alone may meet guessing at leisure: two common words with a year stay below the
# bound, four random words lie above it. Beside a second factor only what is tried first is refused.
ENOUGH_ALONE = 8.5
ENOUGH_WITH_SECOND_FACTOR = 5.0
# The same by the other estimate, which counts a word for a thousand guesses at the least and knows more ways to build.
ENOUGH_BUILT = 10.0


@dataclass(frozen=True)
class PasswordPolicy:
    """How long a password has to be, in characters (Unicode code points in NFC). Raises PolicyTooWeak."""

    minimum: int = 15
    minimum_with_second_factor: int = 8
    maximum: int = 1024

    def __post_init__(self) -> None:
        lowest = min(self.minimum, self.minimum_with_second_factor)
        if lowest < LOWEST_MINIMUM or self.maximum < max(LOWEST_MAXIMUM, self.minimum, self.minimum_with_second_factor):
            raise PolicyTooWeak(minimum=lowest, maximum=self.maximum)

    def check(self, password: str, *, names: Iterable[str] = (), second_factor: bool = False) -> None:
        """Refuse what is easily guessed; `names` are those of the user, the e-mail address and the shop.

        Raises PasswordTooShort, PasswordTooLong, PasswordNotText, PasswordCommon, PasswordPersonal.
        """
        minimum = self.minimum_with_second_factor if second_factor else self.minimum
        if len(password) > 4 * self.maximum:  # composing shortens a text to a fourth of it at the most
            raise PasswordTooLong(length=len(password), maximum=self.maximum)
        text = _text(password)
        if len(text) < minimum:
            raise PasswordTooShort(length=len(text), minimum=minimum)
        if len(text) > self.maximum:
            raise PasswordTooLong(length=len(text), maximum=self.maximum)
        if guessing.is_listed(text):
            raise PasswordCommon
        estimates = [(guessing.guesses, ENOUGH_WITH_SECOND_FACTOR if second_factor else ENOUGH_ALONE)]
        if not second_factor:
            estimates.append((guessing.built, ENOUGH_BUILT))
        for estimate, enough in estimates:
            if estimate(text, names) < enough:
                raise PasswordCommon if estimate(text) < enough else PasswordPersonal


class Strength(NamedTuple):
    """A hint for people: from 0, guessed at once, to 4, beyond guessing; and what that means, in a sentence."""

    score: int
    sentence: str


_SENTENCES = (
    "It is among the first that are tried.",
    "A patient visitor guesses it.",
    "It stands only as long as guessing is slow.",
    "It is good enough against a stolen database for a while.",
    "It is beyond guessing.",
)
_STEPS = (3.0, 6.0, ENOUGH_ALONE, 10.0)  # powers of ten, those of zxcvbn but for the one the policy draws itself


def strength(password: str, names: Iterable[str] = ()) -> Strength:
    """How well a password stands up to guessing. Raises PasswordNotText."""
    text = _text(password)
    found = 0.0 if guessing.is_listed(text) else guessing.guesses(text, names)
    if found >= ENOUGH_ALONE and guessing.built(text, names) < ENOUGH_BUILT:
        found = ENOUGH_ALONE - 1
    score = sum(found >= step for step in _STEPS)
    return Strength(score, _SENTENCES[score])


def _text(password: str) -> str:
    try:
        password.encode()
    except UnicodeEncodeError:
        raise PasswordNotText from None
    return unicodedata.normalize("NFC", password)
