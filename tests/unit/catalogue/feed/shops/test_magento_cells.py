"""The columns within columns of Magento are taken apart as its own importer does, and put together again."""

from __future__ import annotations

import random

import pytest

from shopctl.catalogue.feed.shops import magento_cells as cells
from shopctl.catalogue.feed.validate import Bad
from shopctl.kernel import clock


def test_a_comma_in_a_value_belongs_to_it_unless_a_key_follows() -> None:
    assert cells.pairs('color=Red,size=12" x 3", 4 deep,sport=Gym|Yoga,note="a, b=c"') == {
        "color": "Red",
        "size": '12" x 3", 4 deep',
        "sport": ["Gym", "Yoga"],
        "note": "a, b=c",
    }
    assert cells.pairs('tags="a, b=c"|"d"') == {"tags": ["a, b=c", "d"]}
    assert cells.pairs('quote="say ""hi"""') == {"quote": 'say "hi"'}
    assert cells.pairs("nothing to see") == {}
    assert cells.pairs("") == {}


def test_whatever_the_values_the_pairs_come_back(dice: random.Random) -> None:
    for _ in range(2000):
        values: dict[str, str | list[str]] = {}
        for key in "abc"[: dice.randint(1, 3)]:
            words = ["".join(dice.choices('x=,|" \n=a;ü', k=dice.randint(1, 8))) for _ in range(dice.randint(1, 3))]
            values[key] = words[0] if len(words) == 1 else words
        assert cells.pairs(cells.pairs_text(values)) == values


def test_category_paths_with_commas_and_slashes_in_their_names() -> None:
    text = "Root/Home,Root/Home/Lamps, light and wood,Root/A\\/C\\,units, Root/Garden,Root/Home"

    assert cells.categories(text) == [
        "Root > Home",
        "Root > Home > Lamps, light and wood",
        "Root > A/C,units",
        "Root > Garden",
    ]
    assert cells.categories(cells.categories_text(cells.categories(text))) == cells.categories(text)
    assert cells.categories(" , /") == []


def test_variations_with_commas_in_their_options() -> None:
    rows = [{"sku": "A", "size": "1,5 m", "color": "Red"}, {"sku": "B|2", "size": "2 m", "color": "a=b, c=d"}]

    assert cells.variations("sku=A,size=1,5 m,color=Red|sku=B|2,size=2 m,color=Blue")[1]["sku"] == "B|2"
    assert cells.variations(cells.variations_text(rows)) == rows
    assert cells.variations("size=XS") == []


def test_a_bundle_holds_what_is_preset_or_else_what_is_required_first() -> None:
    text = (
        "name=Strap,type=select,required=1,sku=S1,default=0,default_qty=1.0000,price_type=fixed"
        "|name=Strap,type=select,required=1,sku=S2,default=1,default_qty=2.0000,price_type=fixed"
        "|name=Case, blue,type=radio,required=1,sku=C1,default=0,default_qty=3"
        "|name=Case, blue,type=radio,required=1,sku=C2,default=0,default_qty=1"
        "|name=Extra,type=checkbox,required=0,sku=E1,default=0"
    )

    assert cells.bundled(text) == [{"sku": "S2", "quantity": 2}, {"sku": "C1", "quantity": 3}]
    assert cells.bundled("name=Extra,required=0,sku=E1,default=0") == [{"sku": "E1", "quantity": 1}]


def test_a_grouped_product_with_quantities_of_all_kinds() -> None:
    assert cells.associated("A-1=2.000000,B=0.0000,D=x=4, C ") == [
        {"sku": "A-1", "quantity": 2},
        {"sku": "B", "quantity": 1},
        {"sku": "D=x", "quantity": 4},
        {"sku": "C", "quantity": 1},
    ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10/25/16", "2016-10-25T00:00:00Z"),
        ("10/25/16, 3:22 PM", "2016-10-25T15:22:00Z"),
        ("10/25/16, 12:05\u202fAM", "2016-10-25T00:05:00Z"),
        ("2016-10-25 00:00:00", "2016-10-25T00:00:00Z"),
        ("2016-10-25", "2016-10-25T00:00:00Z"),
        ("7/8/2015 8:00", "2015-07-08T08:00:00Z"),
        ("25/10/2016", "2016-10-25T00:00:00Z"),
        ("25.10.16", "2016-10-25T00:00:00Z"),
        ("2016-10-25T15:22:00+02:00", "2016-10-25T13:22:00Z"),
    ],
)
def test_the_dates_of_exports_and_of_spreadsheets(text: str, moment: str) -> None:
    assert clock.show(cells.moment(text, "from")) == moment


def test_the_last_day_of_a_period_belongs_to_it() -> None:
    until = cells.moment("10/25/16", "to", last_day=True)

    assert clock.show(until) == "2016-10-26T00:00:00Z"
    assert cells.moment_text(until, last_day=True) == "2016-10-25"
    assert cells.moment("", "to") is None


@pytest.mark.parametrize("text", ["13/13/16", "soon", "2016-02-30", "1/2/3/4"])
def test_what_is_no_date_is_named(text: str) -> None:
    with pytest.raises(Bad) as caught:
        cells.moment(text, "special_price_from_date")
    assert (caught.value.field, caught.value.code) == ("special_price_from_date", "date.invalid")


def test_lists_of_images_and_their_labels() -> None:
    assert cells.listed("/a.jpg, /b.jpg") == ["/a.jpg", "/b.jpg"]
    assert cells.listed(cells.listed_text(["one, two", 'the "third"', ""])) == ["one, two", 'the "third"', ""]
    assert cells.listed('12" pipe,"odd') == ['12" pipe', '"odd']
