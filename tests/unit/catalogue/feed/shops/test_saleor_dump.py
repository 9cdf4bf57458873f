"""Saleor's dumps: products joined with what belongs to them, in the shapes of several releases, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.feed.errors import BadJson
from unit.catalogue.feed.conftest import Reader


def _row(model: str, key: object, **fields: object) -> dict[str, object]:
    return {"model": model, "pk": key, "fields": fields}


def test_the_real_dump_comes_in_whole(read: Reader, shared_data: Path) -> None:
    """32 products with 73 variants, all published. 14 products have several variants and one more has a variant that is
    chosen by its medium: these 15 have records of their own, 17 are their only variant. Nothing is rejected.
    """
    feed = read(shared_data / "catalogues" / "saleor-populatedb.json")

    assert (feed.feed.format, feed.rejects) == ("saleor", [])
    assert len(feed.rows) == len(set(feed.skus)) == 73 + 15
    parents = Counter(row[3] for row in feed.rows if row[3] is not ...)
    assert (len(parents), sum(parents.values())) == (15, 73 - 17)
    book = feed["headless-omnichannel-mp3"]
    assert (book["category"], book["kind"]) == ("Accessories > Audiobooks", "digital")
    assert book["description"] == "<p>Launch <b>new markets fast</b></p>"
    assert set(book["prices"]) == {("USD", 1000, "default", 1, 0, None), ("PLN", 4000, "default", 1, 0, None)}
    assert book["stock"] == (("global", 4560),)
    assert book["options"] == '{"medium":"MP3"}'
    assert json.loads(feed[book["parent_sku"]]["attributes"])["slug"] == "headless-omnichannel-commerce"
    assert all(row[20] for row in feed.rows if row[3] is not ... or row[2] not in parents)


MODERN = [
    _row("warehouse.stock", 1, product_variant=1, warehouse="w-1", quantity=4),
    _row("warehouse.stock", 2, product_variant=1, warehouse="w-2", quantity=0),
    _row("product.productvariant", 1, product=1, sku=None, name="Default", weight="200.0:g", track_inventory=False),
    _row(
        "product.product", 1, name="Cup", slug="cup", category=2, product_type=1, tax_class=1, weight=None,
        description={"blocks": [{"type": "paragraph", "data": {"text": "A cup"}}]}, seo_title="Cups",
        metadata={"erp": "77"},
    ),
    _row("product.product", 2, name="Idea", category=None, product_type=2, description=None),
    _row("product.category", 2, name="Cups > Mugs", parent=1),
    _row("product.category", 1, name="Kitchen", parent=None),
    _row("product.producttype", 1, name="Crockery", is_shipping_required=True, kind="normal"),
    _row("product.producttype", 2, name="Card", is_shipping_required=True, kind="gift_card"),
    _row("product.productmedia", 1, product=1, image="b.jpg", alt="B", sort_order=1),
    _row("product.productmedia", 2, product=1, image="", external_url="https://media.example.com/a", sort_order=0),
    _row("product.collection", 5, name="New things", slug="new"),
    _row("product.collectionproduct", 1, product=1, collection=5),
    _row("tax.taxclass", 1, name="Reduced"),
    _row("channel.channel", 1, slug="default-channel", currency_code="USD"),
    _row("channel.channel", 2, slug="outlet", currency_code="USD"),
    _row("product.productchannellisting", 1, product=1, channel=1, is_published=True, currency="USD",
         published_at="2030-01-01T00:00:00Z", visible_in_listings=True, available_for_purchase_at=None),
    _row("product.productchannellisting", 2, product=1, channel=2, is_published=False, currency="USD"),
    _row("product.productvariantchannellisting", 1, variant=1, channel=2, currency="USD", price_amount="7.000",
         discounted_price_amount="7.000", cost_price_amount="2.500"),
    _row("product.productvariantchannellisting", 2, variant=1, channel=1, currency="USD", price_amount="9.900",
         prior_price_amount="12.000", discounted_price_amount="8.900"),
    _row("attribute.attribute", 1, slug="material", name="Material", input_type="multiselect"),
    _row("attribute.attribute", 2, slug="height", name="Height", input_type="numeric", unit="cm"),
    _row("attribute.attribute", 3, slug="brand", name="Brand", input_type="dropdown"),
    _row("attribute.attributevalue", 1, attribute=1, name="Clay", slug="clay"),
    _row("attribute.attributevalue", 2, attribute=1, name="Salt", slug="salt"),
    _row("attribute.attributevalue", 3, attribute=2, name="9.5", slug="1_2"),
    _row("attribute.attributevalue", 4, attribute=3, name="Lehm", slug="lehm"),
    *(_row("attribute.assignedproductattributevalue", key, product=1, value=key) for key in range(1, 5)),
    _row("page.page", 1, title="About"),
]  # fmt: skip


def test_a_product_that_is_its_only_variant_has_everything(read: Reader) -> None:
    feed = read(json.dumps(MODERN))

    assert (feed.skus, feed.rejects) == (["UHJvZHVjdFZhcmlhbnQ6MQ==", "UHJvZHVjdDoy"], [])
    cup = feed["UHJvZHVjdFZhcmlhbnQ6MQ=="]
    assert (cup["name"], cup["description"], cup["brand"]) == ("Cup", "<p>A cup</p>", "Lehm")
    assert (cup["category"], cup["tags"], cup["tax_class"]) == ("Kitchen > Cups / Mugs", '["new"]', "Reduced")
    assert (cup["kind"], cup["status"], cup["publish_at"]) == ("physical", "active", 1_893_456_000_000_000)
    assert [link["url"] for link in json.loads(cup["media"])] == ["https://media.example.com/a", "b.jpg"]
    assert set(cup["prices"]) == {
        ("USD", 990, "default", 1, 0, None), ("USD", 1200, "compare-at", 1, 0, None),
        ("USD", 700, "outlet", 1, 0, None),
    }  # fmt: skip
    assert cup["stock"] == (("w-1", 4), ("w-2", 0))  # the dump does not say what the warehouses are called
    assert json.loads(cup["attributes"]) == {
        "id": "UHJvZHVjdDox", "slug": "cup", "product_type": "Crockery", "seo_title": "Cups", "metadata": {"erp": "77"},
        "material": ["Clay", "Salt"], "height": "9.5 cm", "variant_name": "Default", "variant_weight": "200.0 g",
        "track_inventory": "False",
        "sales": {"default-channel": {"discounted_price": "8.900"}, "outlet": {"cost_price": "2.500"}},
        "channels": {
            "default-channel": {"currency": "USD", "published": True, "published_at": "2030-01-01T00:00:00Z",
                                "searchable": True},
            "outlet": {"currency": "USD", "published": False},
        },
    }  # fmt: skip
    assert feed["UHJvZHVjdDoy"]["kind"] == "digital"


OLD = [
    _row(
        "product.product", 86, name="Shirt", description="A shirt.", description_json={}, category=7, product_type=1,
        price={"_type": "Money", "amount": "20.00", "currency": "USD"}, attributes='{"23": "72"}', is_published=True,
        publication_date="2019-03-06", charge_taxes=True, weight="0.0 kg",
    ),
    _row("product.productvariant", 1, product=86, sku="S-M", name="M", price_override=None, attributes='{"24": "73"}',
         quantity=5),
    _row("product.productvariant", 2, product=86, sku="S-L", name="L", attributes='{"24": "74"}', quantity=0,
         price_override={"_type": "Money", "amount": "22.50", "currency": "USD"}),
    _row("product.category", 7, name="Apparel", parent=None),
    _row("product.producttype", 1, name="Top", is_shipping_required=True),
    _row("product.attribute", 23, name="Colour", slug="colour"),
    _row("product.attribute", 24, name="Size", slug="size"),
    _row("product.attributevalue", 72, name="Blue", slug="blue", attribute=23),
    _row("product.attributevalue", 73, name="M", slug="m", attribute=24),
    _row("product.attributevalue", 74, name="L", slug="l", attribute=24),
    _row("product.productimage", 9, product=86, image="shirt.jpg", alt="", sort_order=0),
    _row("product.variantimage", 1, variant=2, image=9),
    _row("product.collection", 3, name="Summer", slug="summer", products=[86]),
]  # fmt: skip


def test_dumps_from_before_the_channels_are_read(read: Reader) -> None:
    feed = read(json.dumps(OLD))

    assert (feed.skus, feed.rejects) == (["UHJvZHVjdDo4Ng==", "S-M", "S-L"], [])
    shirt, large = feed["UHJvZHVjdDo4Ng=="], feed["S-L"]
    assert (shirt["description"], shirt["status"], shirt["tags"]) == ("A shirt.", "active", '["summer"]')
    assert json.loads(shirt["attributes"]) == {"colour": "Blue", "charge_taxes": "True", "product_type": "Top"}
    assert (large["prices"], large["stock"]) == ((("USD", 2250, "default", 1, 0, None),), (("default", 0),))
    assert feed["S-M"]["prices"] == (("USD", 2000, "default", 1, 0, None),)
    assert (large["options"], large["media"]) == ('{"size":"L"}', '[{"alt":"","url":"shirt.jpg"}]')


def test_what_is_no_row_of_a_dump_is_refused(read: Reader) -> None:
    with pytest.raises(BadJson, match="element 2 is not a row of a dump"):
        read(json.dumps([_row("product.product", 1, name="Cup"), {"model": "product.product", "pk": 1}]))


def test_a_dump_with_references_to_nothing_and_circles_is_read(read: Reader) -> None:
    feed = read(
        json.dumps(
            [
                _row("product.product", 1, name="Cup", category=1, product_type=9),
                _row("product.category", 1, name="A", parent=2),
                _row("product.category", 2, name="B", parent=1),
                _row("product.productvariant", 1, product=1, sku="CUP"),
                _row("product.productvariant", 2, product=77, sku="LOST"),
                _row("attribute.assignedproductattributevalue", 1, product=1, value=5),
            ]
        )
    )

    assert feed.skus == ["CUP", "LOST"]
    assert feed["CUP"]["category"] == "B > A"
    assert feed["LOST"]["parent_sku"] == "UHJvZHVjdDo3Nw=="  # which there is not, so that the import rejects it by name


def _large(products: int) -> Iterator[dict[str, Any]]:
    yield _row("product.producttype", 1, name="Top")
    for key in range(products):
        yield _row("product.product", key, name=f"Shirt {key}", product_type=1, description="x" * 800)
    for key in range(products):
        yield _row("product.productvariant", key, product=key, sku=f"S-{key}", name="M", quantity=1)


def test_a_large_dump_is_joined_in_bounded_memory(tmp_path: Path) -> None:
    def peak(products: int) -> int:
        path = tmp_path / f"{products}.json"
        with path.open("w", encoding="utf-8") as file:
            for number, row in enumerate(_large(products)):
                file.write(("[" if not number else ",") + json.dumps(row))
            file.write("]")
        reading = (
            "import resource, sys\n"
            "from shopctl.catalogue.feed.opening import open_feed\n"
            "feed = open_feed(sys.argv[1], default_currency='USD')\n"
            "count = sum(len(batch.rows) for batch in feed.batches())\n"
            "assert feed.format == 'saleor' and count == int(sys.argv[2]), count\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", reading, path, str(products)], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    small, large = peak(2_000), peak(40_000)
    assert large - small < 40 << 10, (small, large)  # KiB; the larger dump has 40 MB, as objects some 200
