"""The columns within columns of Magento: category paths, key=value lists, variations, image lists, dates, both ways."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeGuard

from shopctl.catalogue.feed.validate import LARGEST_QUANTITY, Bad
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant

_KEY = r"[A-Za-z_][\w.]*"
_PLAIN_PAIR = re.compile(rf"\s*({_KEY})=(.*?)(?=,\s*{_KEY}=|\Z)", re.DOTALL)
_NEXT = re.compile(rf",\s*{_KEY}=")
_QUOTED = r'"(?:[^"]|"")*"'
_QUOTED_PAIR = re.compile(rf"\s*({_KEY})=({_QUOTED}(?:\|{_QUOTED})*)(?=,\s*{_KEY}=|\s*\Z)", re.DOTALL)
_COMMA = re.compile(r"(?<!\\),")
_SLASH = re.compile(r"(?<!\\)/")
_ASSOCIATED = re.compile(r"\s*(.+?)=\s*([0-9]+(?:\.[0-9]+)?)\s*(?:,|\Z)|\s*([^,=]+?)\s*(?:,|\Z)")
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[/.-])(?P<b>\d{1,2})[/.-](?P<c>\d{1,4})"
    r"(?:[T,\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?[\s\u00a0\u202f]*(?P<half>[AaPp]\.?[Mm]\.?)?)?Z?"
)
_DAY = 86_400_000_000


def pairs(text: str) -> dict[str, str | list[str]]:
    """`color=Red,activity=Gym|Yoga,note="a, b=c"` as a dictionary; `|` separates the values of a list.

    A comma belongs to the value unless a key follows it. Within quotes everything does, a quote is doubled there, and
    a list is `"a"|"b"`. Text that has no `=` gives nothing.
    """
    found: dict[str, str | list[str]] = {}
    at = 0
    while at < len(text):
        if quoted := _QUOTED_PAIR.match(text, at):
            words = [word[1:-1].replace('""', '"') for word in re.findall(_QUOTED, quoted[2])]
            found[quoted[1]] = words[0] if len(words) == 1 else words
            at = quoted.end()
        elif plain := _PLAIN_PAIR.match(text, at):
            found[plain[1]] = plain[2].split("|") if "|" in plain[2] else plain[2]
            at = plain.end()
        else:
            return found
        at += 1  # the comma
    return found


def pairs_text(values: Mapping[str, str | list[str]]) -> str:
    """The reverse of `pairs`; quotes stand only where they must."""
    return ",".join(f"{key}={_pair_value(value)}" for key, value in values.items())


def _pair_value(value: str | list[str]) -> str:
    words = [value] if isinstance(value, str) else value
    plain = "|".join(words)
    if not plain.startswith('"') and plain.count("|") == len(words) - 1 and not _NEXT.search(plain):
        return plain
    return "|".join('"' + word.replace('"', '""') + '"' for word in words)


def can_be_key(text: str) -> bool:
    """Whether a text can stand before the `=`."""
    return re.fullmatch(_KEY, text) is not None


def categories(text: str) -> list[str]:
    """`Default Category/Gear/Bags,Default Category/Gear` as paths `Default Category > Gear > Bags`, each once.

    `\\,` and `\\/` are part of a name. So is a comma with a blank behind it after which no path begins as the first one
    does: names such as `Lamps, light and wood` are written without any mark.
    """
    parts: list[str] = []
    root = ""
    for part in _COMMA.split(text):
        first = _SLASH.split(part.strip())[0].strip()
        if parts and part[:1].isspace() and first != root:
            parts[-1] += "," + part
        elif part.strip():
            root = root or first
            parts.append(part)
    paths = (
        " > ".join(level.replace("\\,", ",").replace("\\/", "/").replace(">", "›").strip() for level in _SLASH.split(p))
        for p in parts
    )
    return list(dict.fromkeys(path for path in paths if path.strip(" >")))


def categories_text(paths: Iterable[str]) -> str:
    """The reverse of `categories`."""
    return ",".join(
        "/".join(level.replace("/", "\\/").replace(",", "\\,") for level in path.split(" > ")) for path in paths if path
    )


def variations(text: str) -> list[dict[str, str]]:
    """`sku=A,size=XS,color=Red|sku=B,…` as [{"sku": "A", "size": "XS", "color": "Red"}, …]."""
    rows = (pairs_of_row(row) for row in re.split(r"\|(?=\s*sku=)", text))
    return [row for row in rows if row.get("sku")]


def variations_text(rows: Iterable[Mapping[str, str]]) -> str:
    """The reverse of `variations`."""
    return "|".join(pairs_text(row) for row in rows)


def pairs_of_row(text: str) -> dict[str, str]:
    """One row of variations or of a bundle: bars are part of its values."""
    return {key: value if isinstance(value, str) else "|".join(value) for key, value in pairs(text.strip()).items()}


def selections(text: str) -> list[dict[str, str]]:
    """`name=Strap,type=select,required=1,sku=A,default=1,default_qty=1|name=…`: what a bundle may be made of."""
    rows = (pairs_of_row(row) for row in re.split(r"\|(?=\s*name=)", text))
    return [row for row in rows if row.get("sku")]


def bundled(text: str) -> list[dict[str, Any]]:
    """What a bundle holds as it is offered first: of each choice the selections preset, or else the first one needed.

    A choice that is neither preset nor required adds nothing, unless nothing else is there.
    """
    choices: dict[str, list[dict[str, str]]] = {}
    for row in selections(text):
        choices.setdefault(row.get("name", ""), []).append(row)
    chosen: list[dict[str, str]] = []
    for rows in choices.values():
        preset = [row for row in rows if _is_one(row.get("default", ""))]
        needed = rows[:1] if any(_is_one(row.get("required", "")) for row in rows) else []
        chosen += preset or needed
    return _components((row["sku"], row.get("default_qty", "")) for row in chosen or selections(text)[:1])


def bundled_text(components: Iterable[Mapping[str, Any]]) -> str:
    """A bundle of which nothing is to be chosen: a choice of one for each component."""
    return variations_text(
        {
            "name": part["sku"],
            "type": "select",
            "required": "1",
            "sku": part["sku"],
            "price": "0.0000",
            "default": "1",
            "default_qty": f"{part['quantity']}.0000",
            "price_type": "fixed",
        }
        for part in components
    )


def associated(text: str) -> list[dict[str, Any]]:
    """`A=1.0000,B=2.0000`: what a grouped product holds; a quantity of 0, which leaves it to the buyer, is 1."""
    return _components((row[1] or row[3], row[2] or "") for row in _ASSOCIATED.finditer(text))


def _is_one(text: str) -> bool:
    return text.strip().casefold() in ("1", "yes", "true")


def _components(parts: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for sku, quantity in parts:
        try:
            count = int(float(quantity or "1"))
        except ValueError:
            count = 1
        counts[sku.strip()] = counts.get(sku.strip(), 0) + min(max(count, 1), LARGEST_QUANTITY)
    return [{"sku": sku, "quantity": min(count, LARGEST_QUANTITY)} for sku, count in counts.items() if sku]


def listed(text: str) -> list[str]:
    """`/a.jpg,/b.jpg`; what holds a comma stands in quotes."""
    if '"' in text:
        try:
            return [word.strip() for word in next(csv.reader([text], skipinitialspace=True, strict=True), [])]
        except csv.Error:
            pass  # quotes that are part of a name
    return [word.strip() for word in text.split(",")]


def listed_text(words: Sequence[str]) -> str:
    """The reverse of `listed`."""
    if not any("," in word or '"' in word for word in words):
        return ",".join(words)
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(words)
    return file.getvalue()


def moment(text: str, field: str, *, last_day: bool = False) -> Instant | None:
    """A date as Magento and the spreadsheets of its users write it: `10/25/16, 3:22 PM`, `2016-10-25 00:00:00`.

    With points, or where there is no such month, the day comes first. The last day of a period ends with its midnight.
    None for a blank cell. Raises Bad.
    """
    text = text.strip()
    if not text:
        return None
    try:
        found = _DATE.fullmatch(text)
        at = _at(found) if found else clock.parse(text)
    except (ValueError, OverflowError, clock.NotATime):
        raise Bad(field, "date.invalid", f"{text[:40]!r} is not a date; write 2016-10-25 or 10/25/16") from None
    return at + _DAY if last_day and at % _DAY == 0 else at


def _at(found: re.Match[str]) -> Instant:
    first, second, third = int(found["a"]), int(found["b"]), int(found["c"])
    if len(found["a"]) == 4:
        year, month, day = first, second, third
    else:
        month, day, year = first, second, third
        if found["mark"] == "." or month > 12:
            month, day = day, month
        year += 2000 if year < 70 else 1900 if year < 100 else 0
    hour = int(found["hour"] or 0)
    if half := (found["half"] or "").lower()[:1]:
        hour = hour % 12 + (12 if half == "p" else 0)
    at = datetime(year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=UTC)
    return clock.parse(at.isoformat())


def moment_text(at: Instant | None, *, last_day: bool = False) -> str:
    """The reverse of `moment`: `2016-10-25`, or `2016-10-25 15:22:00`; fractions of a second are left out."""
    if not at:
        return ""
    if last_day and at % _DAY == 0:
        at -= _DAY
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at // 1_000_000)
    return when.strftime("%Y-%m-%d") if at % _DAY < 1_000_000 else when.strftime("%Y-%m-%d %H:%M:%S")


def whole(text: str) -> int | None:
    """The whole pieces in `12.0000`, none for what is owed (`-3.0000`); None for what is not a number."""
    try:
        return max(0, int(Decimal(text.replace(",", ""))))
    except (ArithmeticError, ValueError):
        return None


def is_plain_list(value: Any) -> TypeGuard[list[str]]:
    """Whether `pairs_text` can say it as a list."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(word, str) and word for word in value)
