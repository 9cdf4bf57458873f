"""Texts made to break programs: in and out of instances they are the same, or refused alike on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shopctl.product_store.checks import checked_object
from shopctl.product_store.errors import InvalidInstance
from support.instances import PRODUCT, Instances

OWN = [
    "", " ", "\0", "a\0b", "\ud800", "\ufeffbom", "\u202egnirts", "e\u0301", "\u00e9", "👩‍👩‍👧‍👦", "ﷺ", "\x1b[2J",
    "\x7f\x80", "\u2028", "' or 1=1 --", "'; drop table instance; --", '"', "\\", "\\u0000", "\\ud800",
    "%s %(name)s :name ::text $1 ?",
    "{0} {name} {", '{"a": 1', "{}", "null", "NaN", "1e400", "-0", "1.0", "x" * 5000, "=", "ins_1",
]  # fmt: skip


def sound(value: dict[str, object]) -> bool:
    try:
        return bool(checked_object("configuration", value))
    except InvalidInstance:
        return False


def check(instances: Instances, texts: list[str]) -> int:
    taken = 0
    for number, text in enumerate(texts):
        given = {"value": text, text: [text]}
        if not sound(given):
            with pytest.raises(InvalidInstance) as refused:
                instances.create(configuration=given)
            assert refused.value.message.isprintable()
            continue
        with instances.database.unit() as unit:
            made = instances.service.create(
                unit, customer=f"C-{number}", sku=text[:200] or "-", product={**PRODUCT, text: text},
                configuration=given, customisation={text: text},
            )  # fmt: skip
            instances.service.configure(unit, made, configuration={"seen": text}, reason=text)
        found = instances.service.get(made)
        assert found.configuration == {**given, "seen": text}
        assert found.customisation == {text: text}
        assert found.product == {**PRODUCT, text: text}
        assert instances.service.as_of(made, found.updated_at) == found
        assert instances.service.history(made)[0]["reason"] == text
        assert instances.listed(sku=found.sku, customer=found.customer_id) == [made]
        if text.isprintable() and text == text.strip() and text[:1] not in ("'", '"'):
            assert instances.listed(f"configuration.value={text}", customer=found.customer_id) == [made]
        taken += 1
    return taken


@pytest.mark.parametrize("indexed", [(), ("value",)], ids=["plain", "indexed"])
def test_our_own(instances: Instances, tmp_path: Path, indexed: tuple[str, ...]) -> None:
    asked = Instances(instances.database, tmp_path / "audit.key", instances.clock, indexed=indexed)
    asked.service.index()
    assert check(asked, OWN) == len(OWN) - 3


def test_the_known_naughty_strings(instances: Instances, shared_data: Path, scale: Callable[[int, int], int]) -> None:
    texts: list[str] = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8"))
    assert len(texts) > 500
    chosen = texts[:: scale(12, 1)]
    assert check(instances, chosen) > len(chosen) * 0.9
