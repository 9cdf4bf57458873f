"""Files of real shops read with every row in, or named with a reason; hostile texts come through unharmed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from unit.catalogue.feed.conftest import Reader

# file: (format, rows). Rows that only add an image are folded into their product.
CATALOGUES = {
    # Products with options, and their variants.
    "medusa-exported-products-comma.csv": ("medusa", 2 + 3),
    "medusa-exported-products-semicolon.csv": ("medusa", 2 + 3),
    "medusa-invalid-column.csv": ("medusa", 1 + 1),
    "medusa-invalid-prices.csv": ("medusa", 1 + 1),
    "medusa-prices-with-region.csv": ("medusa", 1 + 1),
    "medusa-product-with-categories.csv": ("medusa", 1 + 2),
    "saleor-populatedb.json": ("saleor", 73),
    # 19 products with the default variant alone; one with 3 variants, which has a parent.
    "shopify-apparel.csv": ("shopify", 19 + 1 + 3),
    # 19, and one with 2 variants.
    "shopify-home-and-garden.csv": ("shopify", 19 + 1 + 2),
    # 17, and three with 2 variants each; 18 of the 41 rows only add an image.
    "shopify-jewelery.csv": ("shopify", 17 + 3 + 3 * 2),
    "vendure-products.csv": ("csv", 88),
}


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_of_a_real_shop(read: Reader, shared_data: Path, name: str) -> None:
    kind, count = CATALOGUES[name]
    feed = read(shared_data / "catalogues" / name)

    assert feed.feed.format == kind
    assert feed.rejects == []
    assert len(feed.rows) == count
    assert count - len(set(feed.skus)) == (2 if name.startswith("vendure") else 0)  # it has two SKUs twice
    assert all(row[6] for row in feed.rows)
    if not name.startswith("medusa"):  # its products have prices by their variants only
        assert all(row[20] for row in feed.rows)


def test_all_catalogues_are_listed(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "catalogues").iterdir()} == set(CATALOGUES)


def test_what_some_products_of_real_shops_come_to(read: Reader, shared_data: Path) -> None:
    folder = shared_data / "catalogues"
    laptop = read(folder / "vendure-products.csv")["L2201508"]
    assert laptop["name"] == "Laptop"
    assert laptop["options"] == '{"RAM":"8GB","screen size":"15 inch"}'
    assert laptop["prices"][0][1] == 139900
    pot = read(folder / "shopify-home-and-garden.csv")["clay-plant-pot-Large"]
    assert (pot["name"], pot["brand"], pot["category"]) == ("Clay Plant Pot", "Company 123", "Outdoor")
    region = read(folder / "medusa-prices-with-region.csv").rows[1]
    assert {price[:3] for price in region[20]} == {("USD", 4500, "Test Region"), ("USD", 10000, "default")}
    book = read(folder / "saleor-populatedb.json")["headless-omnichannel-mp3"]
    assert book["category"] == "Accessories > Audiobooks"
    assert book["prices"] == (("USD", 1000, "default", 1, 0, None), ("PLN", 4000, "default", 1, 0, None))
    assert book["stock"] == (("global", 4560),)


def test_the_products_of_the_relevance_data(read: Reader, shared_data: Path) -> None:
    feed = read(shared_data / "relevance" / "products.csv.gz", currency="EUR")

    assert feed.rejects == []
    assert len(feed.rows) == len(set(feed.skus)) == 19406
    assert feed["1399"]["prices"] == (("USD", 12595, "default", 1, 0, None),)
    assert feed["1399"]["extra"] == '{"mpn":"80","released":"2006-07-01"}'
    assert json.loads(feed["1399"]["attributes"])["oem_code"] == "C4872A"


@pytest.fixture(scope="module")
def naughty(shared_data: Path) -> list[str]:
    texts: list[str] = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8"))
    assert len(texts) == 515
    return texts


@pytest.mark.assure("S25")
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_naughty_strings_come_through_csv_or_are_named(
    read: Reader, naughty: list[str], line_end: str, delimiter: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end)
    writer.writerow(["sku", "name", "description", "colour"])
    writer.writerows([f"N{number}", text, text, text] for number, text in enumerate(naughty))
    feed = read(out.getvalue().encode("utf-8", "surrogatepass"))
    _came_through(feed, naughty)


@pytest.mark.assure("S25")
def test_naughty_strings_come_through_json_or_are_named(read: Reader, naughty: list[str]) -> None:
    records = [
        {"sku": f"N{number}", "name": text, "description": text, "colour": text} for number, text in enumerate(naughty)
    ]
    _came_through(read(json.dumps(records)), naughty)
    _came_through(read("\n".join(json.dumps(record, ensure_ascii=False) for record in records)), naughty)


def _came_through(feed: object, naughty: list[str]) -> None:
    rows = {row[2]: row for row in feed.rows}  # type: ignore[attr-defined]
    refused = {reject.sku: reject for reject in feed.rejects}  # type: ignore[attr-defined]
    for number, text in enumerate(naughty):
        sku = f"N{number}"
        if sku in refused:
            assert refused[sku].code in ("name.missing", "text.invalid"), (text, refused[sku])
            assert not text.strip() or "\0" in text
            continue
        row = rows[sku]
        assert row[6] == row[7] == text
        value = json.loads(row[19])["colour"]
        assert value == text or text[0] in "{[" and value == json.loads(text)


@pytest.mark.assure("S25")
def test_naughty_strings_as_skus_prices_and_stock_never_break_the_reading(read: Reader, naughty: list[str]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["sku", "price", "stock", "currency", "category", "tags", "options", "publish_at", "media"])
    writer.writerows([text] * 9 for text in naughty)
    writer.writerows(
        [f"N{number}", *[text if column == number % 8 else "" for column in range(8)]]
        for number, text in enumerate(naughty * 8)
    )
    feed = read(out.getvalue())

    assert len(feed.rows) + len(feed.rejects) >= 515 * 9 - 30  # blank lines are none
    assert all(reject.message.isprintable() or "\n" not in reject.message for reject in feed.rejects)
