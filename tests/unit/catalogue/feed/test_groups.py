"""Rows of variants under one product."""

from __future__ import annotations

from shopctl.catalogue.feed.groups import generated_sku
from unit.catalogue.feed.conftest import Reader

HANDLES = (
    "Handle,Name,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
    "Variant Inventory Qty,Image Src,Image Alt Text\n"
    'pot,Clay pot,<p>Clay</p>,Acme,Outdoor,"Pot, Plants",true,Size,Small,,9.99,1,https://e.test/1.jpg,Front\n'
    "pot,,,,,,,,Large,POT-L,15.99,3,,\n"
    "pot,,,,,,,,,,,,https://e.test/2.jpg,\n"
    "lamp,Lamp,,Acme,Indoor,,false,Title,Default Title,,59.99,2,https://e.test/3.jpg,\n"
)


def test_variants_take_over_what_the_product_says(read: Reader) -> None:
    feed = read(HANDLES)

    assert feed.rejects == []
    assert feed.skus == ["pot-Small", "POT-L", "lamp"]
    large = feed["POT-L"]
    assert (large["name"], large["description"], large["brand"], large["category"]) == (
        "Clay pot",
        "<p>Clay</p>",
        "Acme",
        "Outdoor",
    )
    assert large["tags"] == '["Pot","Plants"]'
    assert large["options"] == '{"Size":"Large"}'
    assert large["prices"] == (("EUR", 1599, "default", 1, 0, None),)
    assert large["stock"] == (("default", 3),)
    assert '"handle":"pot"' in large["extra"]
    assert feed["lamp"]["options"] == "{}"
    assert feed["lamp"]["status"] == "draft"
    assert feed["pot-Small"]["status"] == large["status"] == "active"


def test_a_row_with_only_an_image_is_folded_into_the_product(read: Reader) -> None:
    assert (
        read(HANDLES)["pot-Small"]["media"]
        == '[{"alt":"Front","url":"https://e.test/1.jpg"},{"alt":"","url":"https://e.test/2.jpg"}]'
    )


def test_a_change_of_the_product_changes_the_hash_of_every_variant(read: Reader) -> None:
    hashes = {row[1] for row in read(HANDLES).rows}

    assert read(HANDLES, known=hashes).rows == []
    assert read(HANDLES.replace("Clay pot", "Stone pot"), known=hashes).skus == ["pot-Small", "POT-L"]
    assert read(HANDLES.replace("59.99", "60.00"), known=hashes).skus == ["lamp"]


def test_a_product_still_being_gathered_is_read_again_after_a_kill(read: Reader) -> None:
    text = HANDLES + "".join(
        f"p{number},Product {number},,,,,true,Title,Default Title,,1.00,1,,\n" for number in range(3000)
    )
    whole = read(text)
    for line in whole.lines:
        rest = read(text, start_line=line)
        assert rest.skus == [row[2] for row in whole.rows if row[0] > line]


def test_the_variant_id_comes_before_the_handle(read: Reader) -> None:
    feed = read(
        "Handle,Title,Variant Id,Variant Sku,Variant Price EUR\nmug,Mug,variant_1,,5\nmug,Mug,variant_2,M-2,5\n"
    )

    assert feed.skus == ["variant_1", "M-2"]


def test_option_groups_beside_option_values(read: Reader) -> None:
    feed = read(
        "name,slug,optionGroups,optionValues,sku,price\n"
        "Laptop,laptop,size|RAM,13 inch|8GB,L1,1\n,,,15 inch|8GB,L2,1\n,,,15 inch,L3,1\n"
    )

    assert feed["L2"]["options"] == '{"RAM":"8GB","size":"15 inch"}'
    assert feed["L2"]["name"] == "Laptop"
    assert feed.codes == [(4, "options.invalid")]


def test_generated_skus_are_stable_and_keep_variants_apart() -> None:
    assert generated_sku("mug", []) == "mug"
    assert generated_sku("mug", ["Default Title"]) == "mug"
    assert generated_sku("mug", ["Large", "Dark blue"]) == "mug-Large-Dark-blue"
    assert generated_sku("mug", ["A/B"]) != generated_sku("mug", ["A?B"])
    assert generated_sku("mug", ["A/B"]) == generated_sku("mug", ["A/B"])
    assert len(generated_sku("x" * 300, ["y"])) <= 255
    assert generated_sku("", ["Large"]) == ""
