"""What the fields of a customer may hold: one rule a field, the same for the command line and for files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NoReturn

from shopctl.kernel import ids
from shopctl.kernel.cards import MASKED, find_card_numbers
from shopctl.kernel.countries import COUNTRIES
from shopctl.kernel.email import InvalidEmail, checked_email

CARD_NUMBER = "text.card_number"
MOST_ADDRESSES = 40  # even the longest fit into the 131,072 characters that csv readers take for one cell

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}")
_TOKEN = re.compile(r"[!-~]{1,255}")
_GATEWAY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_MANY_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){12}")  # no card has fewer; most texts need no closer look
# RFC 5646, section 2.1, without the grandfathered tags and the extensions of four and more letters as a language.
_LANGUAGE = re.compile(
    r"""(?P<language>[a-z]{2,3})(?:-[a-z]{3}){0,3}
        (?:-(?P<script>[a-z]{4}))?
        (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
        (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*
        (?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*
        (?:-x(?:-[a-z0-9]{1,8})+)?""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_LANGUAGE = 35  # RFC 5646, section 4.4.1
_PHONE_PUNCTUATION = str.maketrans("", "", " -./()\u00a0\u2009\u2011\u2013")
_LONGEST_PHONE = 15  # ITU-T E.164, section 6
_NO_ISSUED_CARD = 13  # digits; only Visa ever had so short numbers, and a tenth of telephone numbers pass Luhn

KINDS_OF_PAYMENT = ("card", "debit", "wallet", "bank_transfer")
KINDS_OF_ADDRESS = ("shipping", "billing")


class Wrong(Exception):
    """A value that cannot be taken: the field, a code, and why, without the value."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.message = message


def checked(field: str, value: str, rule: str | None = None) -> str | None:
    """What is stored of a value, None for an empty one; `rule` names the rule where the field is called otherwise.

    Texts are NFC, without blanks at their ends. Raises Wrong.
    """
    rule = rule or field
    text = value if value.isascii() else unicodedata.normalize("NFC", value)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        return None
    if not text.isprintable():
        _check_characters(field, text, lines=rule == "street")
    # What was masked in a rejects file has to be corrected there, too.
    if MASKED in text or (rule != "phone" and holds_card_number(text)):
        _refuse_card(field)
    if (longest := _LONGEST.get(rule)) is not None:
        if len(text) > longest:
            raise Wrong(field, "text.too_long", f"it has {len(text):,} characters, at most {longest} are stored")
        return text
    return _RULES[rule](field, text)


def checked_id(field: str, text: str) -> str:
    """What a caller may call a customer by: it stays when the customer is erased, so nothing like an address."""
    if not _ID.fullmatch(text):
        raise Wrong(
            field, "id.invalid", "an id has 1 to 64 letters, digits and ._:/#-, and begins with a letter or digit"
        )
    if holds_card_number(text):
        _refuse_card(field)
    return text


def checked_token(field: str, token: str) -> str:
    """What a gateway calls a payment method that it keeps."""
    if holds_card_number(token):
        _refuse_card(field)
    if not _TOKEN.fullmatch(token):
        raise Wrong(field, "token.invalid", "a token has 1 to 255 printable characters and no blank")
    return token


def check_count(field: str, addresses: int) -> None:
    """Refuse more addresses than a cell of an exported file can hold."""
    if addresses > MOST_ADDRESSES:
        raise Wrong(field, "addresses.too_many", f"there are {addresses} addresses, at most {MOST_ADDRESSES} are kept")


def holds_card_number(text: str) -> bool:
    """Whether a payment card's number stands in a text."""
    return _MANY_DIGITS.search(text) is not None and any(True for _ in find_card_numbers(text))


def phone_is_card_number(text: str) -> bool:
    """The same for what stands as a telephone number."""
    digits = text.translate(_PHONE_PUNCTUATION)
    if digits.startswith(("+", "00")) and len(digits.lstrip("+")) <= _NO_ISSUED_CARD:
        return False
    return holds_card_number(digits) or holds_card_number(text)


def _phone(field: str, text: str) -> str:
    if phone_is_card_number(text):
        _refuse_card(field)
    digits = text.replace("(0)", "") if text.startswith(("+", "00")) else text
    digits = digits.translate(_PHONE_PUNCTUATION)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    number = digits.removeprefix("+")
    if not number.isascii() or not number.isdigit() or not 3 <= len(number) <= _LONGEST_PHONE:
        raise Wrong(field, "phone.invalid", "it is no telephone number; write it as +49 30 123456")
    return digits


def _email(field: str, text: str) -> str:
    try:
        return checked_email(text)
    except InvalidEmail:
        raise Wrong(field, "email.invalid", "it is no e-mail address; write it as name@example.org") from None


def _language(field: str, text: str) -> str:
    found = _LANGUAGE.fullmatch(text.replace("_", "-"))
    if found is None or len(text) > _LONGEST_LANGUAGE:
        raise Wrong(field, "language.invalid", "it is no language; write it as de, de-CH or zh-Hant (BCP 47)")
    parts = found[0].lower().split("-")
    for name, change in (("script", str.title), ("region", str.upper)):
        if found[name]:
            parts[parts.index(found[name].lower(), 1)] = change(found[name])
    return "-".join(parts)


def _country(field: str, text: str) -> str:
    code = text.upper()
    if code not in COUNTRIES:
        raise Wrong(field, "country.unknown", "it is no country; write it in the two letters of ISO 3166-1, such as DE")
    return code


def _user(field: str, text: str) -> str:
    if ids.prefix_of(text) != "usr":
        raise Wrong(field, "user.invalid", "it is no user's id; see: shopctl user list --fields user_id,name")
    return text


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def rule(field: str, text: str) -> str:
        if text not in choices:
            raise Wrong(field, "choice.unknown", f"it is one of {', '.join(choices)}")
        return text

    return rule


def _form(pattern: re.Pattern[str], example: str) -> Callable[[str, str], str]:
    def rule(field: str, text: str) -> str:
        if not pattern.fullmatch(text):
            raise Wrong(field, "text.form", f"write it as {example}")
        return text

    return rule


_RULES: dict[str, Callable[[str, str], str]] = {
    "email": _email,
    "phone": _phone,
    "language": _language,
    "country": _country,
    "user": _user,
    "gateway": _form(_GATEWAY, "stripe"),
    "expires": _form(_MONTH, "2029-04"),
    "payment_kind": _one_of(*KINDS_OF_PAYMENT),
    "address_kind": _one_of(*KINDS_OF_ADDRESS),
}
_LONGEST = {"name": 200, "company": 200, "street": 500, "city": 200, "region": 200, "postal_code": 32, "label": 100}


def _check_characters(field: str, text: str, *, lines: bool) -> None:
    """Refuse what no screen and no label shows: control characters, line ends but in a street, half characters."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and not (lines and character == "\n"):
            raise Wrong(field, "text.invalid", f"it holds U+{ord(character):04X}, which is no character of a text")


def _refuse_card(field: str) -> NoReturn:
    raise Wrong(field, CARD_NUMBER, "it holds the number of a payment card, and none is stored here")
