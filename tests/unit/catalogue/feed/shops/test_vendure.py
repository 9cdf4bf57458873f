"""Vendure's product files: rows of a product gathered, facets, options, languages, custom fields, odd SKUs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from shopctl.catalogue.feed.shops import vendure_facets
from shopctl.catalogue.feed.shops.vendure_columns import main_language, slug_of
from unit.catalogue.feed.conftest import Reader

EXAMPLES = Path(__file__).resolve().parents[5] / "examples"
HEADER = (
    "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,"
    "variantAssets,variantFacets"
)


def test_the_real_file_comes_in_whole(read: Reader, shared_data: Path) -> None:
    """54 rows have a name, 34 continue one: 88 variants. 13 products have options, so they have a record of their own.

    One of the 13 has the same SKU in its three variants; they are told apart by their colours. Nothing is rejected.
    """
    feed = read(shared_data / "catalogues" / "vendure-products.csv")

    assert (feed.feed.format, feed.rejects) == ("vendure", [])
    assert len(feed.rows) == len(set(feed.skus)) == 88 + 13
    parents = [row[3] for row in feed.rows if row[3] is not ...]
    assert (len(parents), len(set(parents))) == (34 + 13, 13)
    assert Counter(parents)["modern-cafe-chair"] == 3
    chair = feed["modern-cafe-chair-mint"]
    assert (chair["options"], json.loads(chair["extra"])["shared_sku"]) == ('{"color":"mint"}', "404.038.96")
    laptop = feed["L2201508"]
    assert (laptop["parent_sku"], laptop["name"], laptop["brand"]) == ("laptop", "Laptop", "Apple")
    assert laptop["options"] == '{"RAM":"8GB","screen size":"15 inch"}'
    assert (laptop["prices"], laptop["stock"]) == ((("EUR", 139900, "default", 1, 0, None),), (("default", 100),))
    assert (laptop["category"], laptop["categories"], laptop["tax_class"]) == (
        "Electronics",
        '["Computers"]',
        "standard",
    )


def test_the_example_shows_every_kind_of_row(read: Reader) -> None:
    feed = read(EXAMPLES / "pottery-vendure.csv")

    assert (feed.feed.format, feed.rejects) == ("vendure", [])
    assert feed.skus == [
        "breakfast-bowl", "BOWL-S-M", "BOWL-L-M", "breakfast-bowl-large-chalk", "SPONGE", "throwing-lesson",
        "throwing-lesson-Saturday", "throwing-lesson-Sunday", "seconds", "SECONDS",
    ]  # fmt: skip
    bowl, small = feed["breakfast-bowl"], feed["BOWL-S-M"]
    assert (bowl["category"], bowl["categories"]) == ("Tableware > Bowls", '["Gifts"]')
    assert (bowl["brand"], bowl["tags"]) == ("Lehm & Sohn", '["new"]')
    assert bowl["media"] == '[{"alt":"","url":"bowl.jpg"},{"alt":"","url":"bowl-above.jpg"}]'
    assert json.loads(bowl["extra"]) == {
        "clay": "stoneware", "optionGroups": "size|glaze", "product:glazing": "celadon, matt",
    }  # fmt: skip
    assert small["description"] == "<p>Thrown by hand, fired twice.</p>"
    assert small["media"] == '[{"alt":"","url":"bowl-moss.jpg"}]'
    assert json.loads(small["extra"]) == {
        "clay": "stoneware", "color": "green", "trackInventory": "true", "variant:weight": "310",
    }  # fmt: skip
    assert "parent_sku" not in feed["SPONGE"]
    assert json.loads(feed["throwing-lesson"]["extra"])["level"] == ["beginner", "advanced"]
    assert feed["SECONDS"]["stock"] == (("default", 0),)
    assert json.loads(feed["SECONDS"]["extra"])["oversold"] == "3"


def test_columns_in_languages_become_attributes_beside_the_english_texts(read: Reader) -> None:
    feed = read(
        "name:en,name:zh_Hans,slug,description:en,description:zh_Hans,assets,facets:en,facets:zh_Hans,optionGroups,"
        "optionValues:en,optionValues:zh_Hans,sku,price,taxCategory,variantAssets,variantFacets,product:keywords:en\n"
        'Paper,纸,,Fine.,好。,,type:Craft,类型:手工,size,Half,半,P-1,45.3,standard,,,"paper, thin"\n'
        ",,,,,,,,,Full,全,P-2,60,standard,,,\n"
    )

    assert feed.skus == ["paper", "P-1", "P-2"]
    paper = feed["paper"]
    assert (paper["name"], paper["description"]) == ("Paper", "Fine.")
    assert json.loads(paper["extra"]) == {
        "languageCode": "en", "name:zh_Hans": "纸", "description:zh_Hans": "好。", "facets:zh_Hans": "类型:手工",
        "product:keywords:en": "paper, thin", "type": "Craft",
    }  # fmt: skip
    assert feed["P-2"]["options"] == '{"size":"Full"}'
    assert json.loads(feed["P-2"]["extra"])["optionValues:zh_Hans"] == "全"


def test_quotes_may_stand_behind_the_blanks_that_fill_a_column(read: Reader) -> None:
    feed = read(
        "name , slug , description    , assets        , facets, optionGroups, optionValues , sku , price, taxCategory\n"
        'Bowl ,      , "Round, deep." , "a.jpg|b.jpg" ,        , size         , S            , B-S , 1.5   , standard\n'
        "\n"
        "     ,      ,                ,               ,        ,              , L            , B-L , 2     , standard\n"
    )

    assert (feed.skus, feed.rejects) == (["bowl", "B-S", "B-L"], [])
    assert feed["bowl"]["description"] == "Round, deep."
    assert feed["B-L"]["prices"][0][1] == 200


def test_a_row_with_too_few_option_values_is_named_and_can_be_corrected_alone(read: Reader) -> None:
    feed = read(f"{HEADER}\nBowl,bowl,,,,size|glaze,S|moss,B-1,1,,,,,\n,,,,,,S,B-2,1,,,,,\n")

    (reject,) = feed.rejects
    assert (reject.line, reject.sku, reject.field, reject.code) == (3, "B-2", "optionValues", "options.invalid")
    row = dict(zip(feed.feed.header, reject.row, strict=True))
    assert (row["name"], row["optionGroups"], row["optionValues"]) == ("Bowl", "size|glaze", "S")
    cells = ["3", "B-2", "", "", "", *(row | {"optionValues": "S|chalk"}).values()]
    mended = read("line,sku,field,code,message," + HEADER + "\n" + ",".join(cells) + "\n")
    assert mended["B-2"]["parent_sku"] == "bowl"


def test_two_products_of_one_name_stay_two(read: Reader) -> None:
    feed = read(f"{HEADER}\nBowl,bowl,,,,,,B-1,1,,,,,\nBowl,bowl-2,,,,,,B-2,1,,,,,\n")

    assert feed.skus == ["B-1", "B-2"]


def test_a_variant_called_like_the_product_gives_it_another_sku(read: Reader) -> None:
    feed = read(f"{HEADER}\nBowl,bowl,,,,size,S,bowl,1,,,,,\n,,,,,,L,B-L,1,,,,,\n")

    assert feed.skus == ["bowl-product", "bowl", "B-L"]
    assert feed["bowl"]["parent_sku"] == feed["B-L"]["parent_sku"] == "bowl-product"


def test_a_change_of_the_product_is_news_of_its_variants_and_of_no_other_product(read: Reader) -> None:
    rows = "Bowl,bowl,,,,size,S,B-S,1,,,,,\n,,,,,,L,B-L,1,,,,,\nPot,pot,,,,,,POT,1,,,,,\n"
    known = {row[1] for row in read(f"{HEADER}\n{rows}").rows}

    again = read(f"{HEADER}\n{rows.replace('Bowl', 'Dish')}", known=known)

    assert (again.skus, len(again.known)) == (["bowl", "B-S", "B-L"], 1)


@pytest.mark.parametrize(
    ("cell", "attributes"),
    [
        ("color:black|color:white", {"color": ["black", "white"]}),
        ("color: black | color:black", {"color": "black"}),
        ("at:10:30", {"at": "10:30"}),
        ("Brand:KB|brand:MB", {"brand": "MB"}),
    ],
)
def test_facets_are_attributes(cell: str, attributes: dict[str, object]) -> None:
    facets = vendure_facets.read(cell)

    assert facets.attributes == attributes
    again = vendure_facets.written(facets.categories, facets.brand, facets.tags, facets.attributes)
    assert vendure_facets.read(again) == facets


def test_small_rules() -> None:
    assert slug_of("Café au lait (½ l)!") == "cafe-au-lait-½-l"
    assert main_language(frozenset({"name:de", "name:en"})) == "en"
    assert main_language(frozenset({"name", "description:fr", "product:owner"})) == "fr"
    assert main_language(frozenset({"name", "variant:weight"})) == ""
