"""Medusa's product file: a row a variant, prices by currency and region, ids that are no names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unit.catalogue.feed.conftest import Reader

HEAD = (
    "Product Handle,Product Title,Product Status,Variant Title,Variant Sku,Variant Option 1 Name,Variant Option 1 Value"
)

# Its examples: a product has one record of its own, and one for each row that is a variant with options. Nothing is
# rejected: a column Medusa does not know is an attribute here, and a region it does not know a price list.
REAL = {
    "medusa-exported-products-comma.csv": (["base-product", "proposed-product"], 3),
    "medusa-exported-products-semicolon.csv": (["base-product", "proposed-product"], 3),
    "medusa-invalid-column.csv": (["proposed-product"], 1),
    "medusa-invalid-prices.csv": (["proposed-product"], 1),
    "medusa-prices-with-region.csv": (["product-with-prices"], 1),
    "medusa-product-with-categories.csv": (["base-product"], 2),
}


@pytest.mark.parametrize("name", REAL)
def test_each_example_comes_to_its_products_and_variants(read: Reader, shared_data: Path, name: str) -> None:
    products, variants = REAL[name]

    result = read(shared_data / "catalogues" / name)

    assert result.feed.format == "medusa"
    assert result.rejects == []
    parents = [row[2] for row in result.rows if row[3] is ...]
    assert parents == products
    children = [row for row in result.rows if row[3] is not ...]
    assert len(children) == variants
    # Their SKU cells are blank, so the variant's id tells them apart.
    assert all(row[2].startswith("variant_01") and row[3] in products for row in children)
    assert all(set(json.loads(row[12])) == {"size", "color"} for row in children)


def test_what_the_examples_say_of_their_products(read: Reader, shared_data: Path) -> None:
    folder = shared_data / "catalogues"
    result = read(folder / "medusa-exported-products-semicolon.csv")
    base = result["base-product"]
    assert (base["name"], base["status"], base["tags"]) == ("Base product", "draft", '["123","456"]')
    assert base["description"] == "test-product-description\ntest line 2"
    assert [link["url"] for link in json.loads(base["media"])] == ["test-image.png", "test-image-2.png"]
    assert json.loads(base["extra"])["product_collection_id"].startswith("pcol_")
    assert "prices" not in base
    large = result["variant_01J44RRJZW1T9KQB6XG7Q6K61F"]
    assert {price[:3] for price in large["prices"]} == {
        ("DKK", 3000, "default"), ("EUR", 4500, "default"), ("USD", 10000, "default"),
    }  # fmt: skip
    assert json.loads(result["proposed-product"]["extra"])["product_status"] == "proposed"

    categories = read(folder / "medusa-product-with-categories.csv")["base-product"]
    assert json.loads(categories["extra"])["product_category_1"].startswith("pcat_")
    assert categories["category"] == ""


def test_regions_are_price_lists_also_those_medusa_does_not_know(read: Reader, shared_data: Path) -> None:
    folder = shared_data / "catalogues"
    for name, expected in (
        ("medusa-prices-with-region.csv", {("USD", 4500, "Test Region"), ("USD", 10000, "default")}),
        (
            "medusa-invalid-prices.csv",
            {("USD", 10000, "default"), ("EUR", 4500, "default"), ("EUR", 3000, "nonexistent")},
        ),
    ):
        row = read(folder / name).rows[1]
        assert {price[:3] for price in row[20]} == expected


def test_a_column_medusa_refuses_is_an_attribute(read: Reader, shared_data: Path) -> None:
    result = read(shared_data / "catalogues" / "medusa-invalid-column.csv")

    assert json.loads(result["proposed-product"]["extra"])["product_field"] == "someval"


def test_a_product_with_the_default_variant_only_is_one_product(read: Reader) -> None:
    result = read(
        HEAD + ",Variant Price EUR,Variant Barcode\n"
        "mug,Mug,published,Default variant,MUG-1,Default option,Default option value,9.9,400\n"
        "pot,Pot,draft,Default variant,,,,12,\n"
    )

    assert result.skus == ["MUG-1", "pot"]
    mug = result["MUG-1"]
    assert (mug["name"], mug["status"], mug["prices"][0][1]) == ("Mug", "active", 990)
    assert "parent_sku" not in mug
    assert json.loads(mug["extra"]) == {
        "handle": "mug",
        "variant_barcode": "400",
        "variant_title": "Default variant",
    }


def test_rows_below_the_first_have_what_it_says(read: Reader) -> None:
    result = read(
        HEAD + ",Product Tag 1\ntee,Tee,published,S,TEE-S,Size,S,cotton\ntee,,,M,,Size,M,\n,,,L,TEE-L,Size,L,\n"
    )

    assert result.skus == ["tee", "TEE-S", "tee-M", "TEE-L"]
    assert {row[6] for row in result.rows} == {"Tee"}
    assert {row[14] for row in result.rows} == {'["cotton"]'}
    assert {row[5] for row in result.rows} == {"active"}
    assert json.loads(result["TEE-L"]["options"]) == {"Size": "L"}


def test_a_variant_may_have_the_handle_as_its_sku(read: Reader) -> None:
    result = read(HEAD + "\ntee,Tee,published,S,tee,Size,S\ntee,Tee,published,M,tee-m,Size,M\n")

    assert result.skus == ["tee-product", "tee", "tee-m"]
    assert result["tee"]["parent_sku"] == "tee-product"


def test_the_columns_of_the_first_release(read: Reader) -> None:
    result = read(
        "Product Id,Product Handle,Product Title,Product Collection Handle,Product Type,Product Tags,Variant id,"
        "Variant SKU,Variant Inventory Quantity,Price EUR,Price France [EUR],Price Moon [XQX],Option 1 Name,"
        "Option 1 Value,Image 1 Url,Product HS Code,Sales Channel 1 Name\n"
        'prod_1,tee,Tee,summer,Shirts,"cotton, green",,TEE-S,12,20.5,21,3,Size,S,https://x.example/t.jpg,61,Web\n'
    )

    tee, small = result["tee"], result["TEE-S"]
    assert json.loads(tee["tags"]) == ["cotton", "green"]
    assert json.loads(tee["media"])[0]["url"] == "https://x.example/t.jpg"
    extra = json.loads(tee["extra"])
    assert (extra["product_collection_handle"], extra["product_type"], extra["product_hs_code"]) == (
        "summer",
        "Shirts",
        "61",
    )
    assert extra["price_moon_xqx"] == "3"  # no currency, so no price
    assert {price[:3] for price in small["prices"]} == {("EUR", 2050, "default"), ("EUR", 2100, "France")}
    assert small["stock"] == (("default", 12),)


def test_metadata_are_attributes_of_any_shape(read: Reader) -> None:
    result = read(
        HEAD + ",Product Metadata,Variant Metadata\n"
        'tee,Tee,published,S,TEE-S,Size,S,"{""care"":[30,40]}","{""eco"":true}"\n'
        "cap,Cap,published,S,CAP-S,Size,S,plain,\n"
    )

    assert json.loads(result["tee"]["extra"])["care"] == [30, 40]
    assert json.loads(result["TEE-S"]["extra"])["eco"] is True
    assert json.loads(result["cap"]["extra"])["product_metadata"] == "plain"


def test_names_of_categories_are_categories(read: Reader) -> None:
    result = read(
        HEAD + ",Product Category 1,Product Category 2,Product Category 3\n"
        "tee,Tee,published,S,TEE-S,Size,S,Home > Wear,pcat_9,Sale\n"
    )

    assert (result["tee"]["category"], result["tee"]["categories"]) == ("Home > Wear", '["Sale"]')
    assert json.loads(result["tee"]["extra"])["product_category_2"] == "pcat_9"


def test_bad_rows_are_named(read: Reader) -> None:
    result = read(
        HEAD + ",Variant Price EUR\n"
        "a,A,published,S,A-S,Size,S,cheap\n"
        "a,A,published,M,A-M,Size,M,2\n"
        "b,B,someday,,B-1,,,2\n"
        "c,,published,,C-1,,,2\n"
    )

    assert result.codes == [(2, "price.invalid"), (4, "status.unknown"), (5, "name.missing")]
    assert result.skus == ["a", "A-M"]


def test_a_deleted_product_is_retired(read: Reader) -> None:
    result = read(HEAD + ",Product Deleted At\nmug,Mug,published,,MUG,,,2026-01-01T00:00:00Z\n")

    assert result["MUG"]["status"] == "retired"
