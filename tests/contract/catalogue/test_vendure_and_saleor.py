"""The formats of Vendure and Saleor, both ways, on both databases: an export changes nothing when it comes back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.catalogue.conftest import Open
from shopctl.catalogue.exporting import ExportRequest

FORMATS = ("vendure", "saleor")
# Products and variants, by hand: see tests/unit/catalogue/feed/shops for how they are counted.
SOURCES = {
    "vendure-products.csv": 101, "saleor-populatedb.json": 88, "pottery-vendure.csv": 10, "tea-saleor.csv": 6,
    "bundled": 498, "nursery.csv": 12, "lending-library.json": 6,
}  # fmt: skip
LOSSLESS = {
    ("vendure-products.csv", "vendure"), ("pottery-vendure.csv", "vendure"), ("saleor-populatedb.json", "saleor"),
    ("tea-saleor.csv", "saleor"),
}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", SOURCES)
def test_an_export_loses_nothing_of_its_own_format(
    opened: Open, path_of: Callable[[str, int], Path], name: str, format: str
) -> None:
    first, second = opened("first", "sqlite"), opened("second", "sqlite")
    taken = first.run(path_of(name, 0), on_error="reject-file")
    assert (taken.counts.created, taken.counts.rejected, taken.counts.superseded) == (SOURCES[name], 0, 0)
    before = first.records()

    path = first.folder / "out.csv"
    losses = first.exports.run(ExportRequest(format, str(path))).losses.as_dict()  # type: ignore[arg-type]
    again = first.run(path)

    assert {key: count for key, count in again.counts.as_dict().items() if count} == {
        "rows": again.counts.rows,
        "unchanged": again.counts.rows,
    }, again.rejects
    assert first.records() == before
    if (name, format) in LOSSLESS:
        assert losses == {}
    elif name == "bundled":
        assert {"kind", "prices", "components", "publish_at", "attributes"} - set(losses) <= {"publish_at"}

    filled = second.run(path)
    assert filled.counts.rejected == 0
    assert second.export(format, "out.csv").read_bytes() == path.read_bytes()
    if (name, format) in LOSSLESS:
        assert second.records() == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_vendure_says_anew_is_taken_over_and_nothing_else(opened: Open, kind: str) -> None:
    shop = opened("shop", kind)
    shop.run(json.dumps(MUGS), "feed.json")
    rows = list(csv.reader(shop.export("vendure", "out.csv").read_text("utf-8").splitlines()))
    price, name = rows[0].index("price"), rows[0].index("name")
    rows[1][price], rows[1][name] = "9.50", "Cup"

    changed = shop.run("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows))

    assert (changed.counts.updated, changed.counts.rejected) == (2, 0)
    cup, small = shop.record("mug"), shop.record("MUG-S")
    assert (cup["name"], cup["attributes"]) == ("Cup", {"care": "dishwasher", "facts": {"kiln": 2}})
    assert small["prices"] == [{"currency": "EUR", "amount": "8.00"}, {"currency": "USD", "amount": "9.50"}]
    assert small["stock"] == {"attic": 1, "default": 3}
    assert (small["kind"], small["media"]) == ("digital", [{"url": "a.jpg", "alt": "A mug"}])


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_export_of_the_dashboard_follows_a_dump(opened: Open, kind: str) -> None:
    shop = opened("shop", kind)
    shop.run(DUMP, "dump.json")
    assert shop.record("CUP-S")["parent_sku"] == "UHJvZHVjdDo3"

    changed = shop.run(
        'id,name,description,category,variant sku,"size (variant attribute)",eu (channel price amount),'
        "eu (channel variant currency code)\n"
        "UHJvZHVjdDo3,Cup,<p>A cup</p>,cups,CUP-S,S,12.00,EUR\n"
        "UHJvZHVjdDo3,Cup,<p>A cup</p>,cups,CUP-L,L,14.00,EUR\n"
    )

    assert (changed.counts.updated, changed.counts.created, changed.counts.unchanged) == (1, 0, 2)
    assert shop.record("CUP-L")["prices"] == [{"currency": "EUR", "amount": "14.00"}]
    assert shop.record("CUP-L")["category"] == "Kitchen > Cups"


MUGS = [
    {"sku": "mug", "name": "Mug", "brand": "Lehm", "attributes": {"care": "dishwasher", "facts": {"kiln": 2}}},
    {
        "sku": "MUG-S", "parent_sku": "mug", "name": "Small mug", "kind": "digital", "options": {"size": "S"},
        "prices": [{"currency": "USD", "amount": "9.00"}, {"currency": "EUR", "amount": "8.00"}],
        "stock": {"default": 3, "attic": 1}, "media": [{"url": "a.jpg", "alt": "A mug"}],
    },
]  # fmt: skip


def _row(model: str, key: object, **fields: object) -> dict[str, object]:
    return {"model": model, "pk": key, "fields": fields}


DUMP = json.dumps(
    [
        _row("product.productvariantchannellisting", 1, variant=1, channel=1, currency="EUR", price_amount="12.000"),
        _row("product.productvariantchannellisting", 2, variant=2, channel=1, currency="EUR", price_amount="13.000"),
        _row("product.productvariant", 1, product=7, sku="CUP-S", name="S"),
        _row("product.productvariant", 2, product=7, sku="CUP-L", name="L"),
        _row(
            "product.product", 7, name="Cup", slug="cup", category=2, product_type=1,
            description={"blocks": [{"type": "paragraph", "data": {"text": "A cup"}}]},
        ),
        _row("product.category", 1, name="Kitchen", slug="kitchen", parent=None),
        _row("product.category", 2, name="Cups", slug="cups", parent=1),
        _row("product.producttype", 1, name="Crockery", is_shipping_required=True),
        _row("attribute.attribute", 1, slug="size", name="Size", input_type="dropdown"),
        _row("attribute.attributevalue", 1, attribute=1, name="S", slug="s"),
        _row("attribute.attributevalue", 2, attribute=1, name="L", slug="l"),
        _row("attribute.assignedvariantattribute", 1, variant=1, assignment=1),
        _row("attribute.assignedvariantattribute", 2, variant=2, assignment=1),
        _row("attribute.assignedvariantattributevalue", 1, assignment=1, value=1),
        _row("attribute.assignedvariantattributevalue", 2, assignment=2, value=2),
        _row("channel.channel", 1, slug="eu", currency_code="EUR"),
    ]
)  # fmt: skip
