"""Texts made to break programs: in every text field of a customer they come back as stored, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.customers.conftest import People
from shopctl.customers.checks import Wrong, checked
from shopctl.customers.errors import CustomerNotFound
from shopctl.customers.model import ADDRESS_FIELDS
from shopctl.kernel.errors import InvalidData, UsageError

OWN = [
    "", " ", "\t\n", "\0", "a\0b", "\ud800", "\udfff tail", "\ufeffbom", "\u202egnirts", "\u200b", "e\u0301", "\u00e9",
    "👩‍👩‍👧‍👦", "🇪🇺", "田中さん", "ﷺ", "\x1b[2J\x1b]0;owned\a", "\r\nX: 1", "\x7f\x80\x85", "a\rb", "\u2028",
    "' or 1=1 --", "'; drop table customer; --", '"', "\\", "\\u0000", "\\x00", "%s %(name)s :name ::text $1 ?",
    "{0} {name} {", "[1, 2", '{"a": 1', "{}", "[]", "null", "NaN", "1e400", "=1+1", "@sum(1)", "<b>[bold]x[/bold]",
    "a,b;c|d", "x" * 200, "y" * 3000, "=", "a=b", "s1.k.x", "C-1",
]  # fmt: skip

FIELDS = {"name": "name", **{f"billing.{field}": field for field in ADDRESS_FIELDS}}
ALWAYS_REFUSED = ("\0", "\ud800", "\udfff", "\x1b", "\u2028a")


def check(people: People, texts: list[str]) -> None:
    people.service.add(customer_id="C-1")
    taken = dict.fromkeys(FIELDS, 0)
    for text in texts:
        good: dict[str, str | None] = {}
        for field, rule in FIELDS.items():
            try:
                good[field] = checked(field, text, rule)
            except Wrong:
                with pytest.raises((InvalidData, UsageError)) as refused:
                    people.service.set("C-1", [f"{field}={text}"])
                assert refused.value.message.isprintable()
                continue
            assert not any(mark in text.strip() for mark in ALWAYS_REFUSED), f"{field} takes {text!r}"
            taken[field] += 1
        shown = people.service.set("C-1", [f"{field}={text}" for field in good])
        again = json.loads(json.dumps(people.service.show("C-1")))
        assert again == shown
        billed = again["addresses"][0] if again["addresses"] else {}
        for field, stored in good.items():
            assert (again["name"] if field == "name" else billed.get(FIELDS[field])) == stored, f"{field}: {text!r}"
        for kind in ("csv", "ndjson"):
            report = people.import_(people.export(kind), f"again.{kind}")
            assert (report.unchanged, report.rows) == (1, 1), f"{kind} changes {text!r}"
        with pytest.raises(CustomerNotFound):
            people.service.show(f"no {text}".replace("\0", "").encode("utf-8", "replace").decode())
    usual = [text for text in texts if 0 < len(text.strip()) < 100 and text.isprintable()]
    assert taken["name"] >= len(usual), "what is merely strange is taken"


@pytest.mark.assure("S25")
def test_our_own_texts(people: People) -> None:
    check(people, OWN)


@pytest.mark.assure("S25")
def test_the_known_naughty_strings(people: People, shared_data: Path, scale: Callable[[int, int], int]) -> None:
    texts: list[str] = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8"))
    assert len(texts) > 500

    check(people, texts[:: scale(12, 1)])
