"""Saleor's product export: rows of an id gathered, channels as price lists and as the state, warehouses, documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopctl.catalogue.feed.shops.saleor_channels import price_lists, state
from shopctl.catalogue.feed.shops.saleor_columns import column
from unit.catalogue.feed.conftest import Reader
from unit.catalogue.feed.workbooks import sheet, text, workbook

EXAMPLES = Path(__file__).resolve().parents[5] / "examples"


def test_the_example_shows_every_kind_of_row(read: Reader) -> None:
    """4 products: one with two variants, so it has a record of its own; one unpublished; one without a variant."""
    feed = read(EXAMPLES / "tea-saleor.csv")

    assert (feed.feed.format, feed.rejects) == ("saleor", [])
    assert feed.skus == [
        "UHJvZHVjdDo3MDE=", "TEA-ASSAM-100", "TEA-ASSAM-500", "UHJvZHVjdFZhcmlhbnQ6ODAz", "TEA-WINTER",
        "UHJvZHVjdDo3MDQ=",
    ]  # fmt: skip
    assam, small = feed["UHJvZHVjdDo3MDE="], feed["TEA-ASSAM-100"]
    assert assam["description"] == (
        "<p>Malty, <b>strong</b>, for milk.</p>\n<ul><li>five minutes</li><li>boiling water</li></ul>"
    )
    assert (assam["category"], assam["tags"], assam["status"]) == ("black-tea", '["breakfast","new"]', "active")
    assert len(json.loads(assam["media"])) == 2
    attributes = json.loads(assam["extra"])
    assert (attributes["product_type"], attributes["origin"]) == ("Tea", "Assam")
    assert attributes["channels"]["trade"] == {
        "currency": "EUR", "published": True, "published_at": "2026-03-01T00:00:00Z", "searchable": False,
    }  # fmt: skip
    assert (small["parent_sku"], small["options"]) == ("UHJvZHVjdDo3MDE=", '{"packing":"100 g bag"}')
    assert small["prices"] == (("EUR", 790, "default", 1, 0, None), ("EUR", 550, "trade", 1, 0, None))
    assert small["stock"] == (("harbour", 140),)
    assert json.loads(small["extra"])["sales"]["trade"] == {"cost_price": "3.10"}
    assert feed["TEA-WINTER"]["status"] == "draft"
    assert feed["UHJvZHVjdDo3MDQ="]["description"] == "Not a document but a text."


def test_a_workbook_of_the_dashboard_is_recognised(read: Reader) -> None:
    rows = [["id", "name", "variant sku", "eu (channel price amount)"], ["UHJvZHVjdDox", "Cup", "CUP", "7.5"]]
    feed = read(workbook(sheet(["".join(map(text, row)) for row in rows])))

    assert feed.feed.format == "saleor"
    assert feed["CUP"]["prices"] == (("EUR", 750, "default", 1, 0, None),)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Variant SKU", "variant sku"), ("description_as_str", "description"), ("product images", "product media"),
        ("eu (channel publication date)", "eu (channel published at)"), ("eu (published)", "eu (channel published)"),
        ("eu (channel currency code)", "eu (channel product currency code)"),
        ("eu (visible in listings)", "eu (channel searchable)"), ("eu (price amount)", "eu (channel price amount)"),
        ("Main Hall (warehouse quantity)", "Main Hall (warehouse quantity)"), ("Weight (kg)", "Weight (kg)"),
    ],
)  # fmt: skip
def test_columns_of_all_releases(header: str, name: str) -> None:
    assert column(header) == name


def test_the_first_channel_of_a_currency_is_the_default_list() -> None:
    channels = [
        ("trade", "EUR"),
        ("default-channel", "USD"),
        ("a-us", "USD"),
        ("channel-eur", "EUR"),
        ("poland", "PLN"),
    ]

    assert price_lists(channels) == {
        ("default-channel", "USD"): "default", ("a-us", "USD"): "a-us", ("channel-eur", "EUR"): "default",
        ("trade", "EUR"): "trade", ("poland", "PLN"): "default",
    }  # fmt: skip


def test_a_product_is_active_where_a_channel_publishes_it_from_the_first_date_on() -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"
    published = {"published": True, "published_at": late}

    assert state({"a": published, "b": {"published": True, "published_at": early}}) == {
        "status": "active", "publish_at": early,
    }  # fmt: skip
    assert state({"a": published, "b": {"published": False, "published_at": early}})["publish_at"] == late
    assert state({"a": published, "b": {"published": True}}) == {"status": "active", "publish_at": None}
    assert state({"a": {"published": False}}) == {"status": "draft", "publish_at": None}
    assert state({"a": {"currency": "EUR"}}) == {}


def test_a_price_that_is_none_rejects_its_variant_alone(read: Reader) -> None:
    feed = read(
        "id,name,variant sku,size (variant attribute),eu (channel price amount)\n"
        "UHJvZHVjdDox,Cup,CUP-S,S,7.5\nUHJvZHVjdDox,Cup,CUP-L,L,dear\n"
    )

    assert feed.skus == ["UHJvZHVjdDox", "CUP-S"]
    assert [(reject.line, reject.sku, reject.code) for reject in feed.rejects] == [(3, "CUP-L", "price.invalid")]
