"""What every search engine has to do; each test runs on every engine there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.engines import NAMES, engine
from shopctl.catalogue.engines.errors import EngineMissing, IndexUnusable
from shopctl.catalogue.ports import Cost, Document, Filter, Index, Place, Position, Priced, Question, Way

FOR_EVER = (0, 2**63 - 1)
MUG = Document(1, "MUG-1", "Blue mug", "Acme", "physical", "Holds coffee.", ("Home", "Home > Kitchen"), ("gift",),
               "stoneware", (("material", "Stoneware"), ("Size", "M")), FOR_EVER)  # fmt: skip


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def index(name: str, tmp_path: Path) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    return engine(name).create(folder)


def filled(index: Index, *documents: Document, seen: int = 1) -> Index:
    with index.writer(bulk=False) as writer:
        writer.add(documents)
        writer.commit(Position(seen, '["log",null]'))
    index.renew()
    return index


def mug(number: int, **given: object) -> Document:
    return MUG._replace(id=number, sku=f"P-{number}")._replace(**given)  # type: ignore[arg-type]


def ids(index: Index, text: str, *filters: Filter, **asked: object) -> list[int]:
    found = index.find(Question(text, filters, **asked), 100)  # type: ignore[arg-type]
    assert found.total == len(found.hits)
    by_sku = {number: place for place, (number, _) in enumerate(index.find(Question(""), 1000).hits)}
    found.hits.sort(key=lambda hit: (-hit[1], by_sku[hit[0]]))
    assert sorted(index.every(Question(text, filters, **asked))) == sorted(found.hits)  # type: ignore[arg-type]
    return [number for number, _ in found.hits]


@pytest.mark.parametrize(
    "words",
    ["blue", "BLUE", "mugs", "acme", "kitchen", "coffee", "stoneware", "mug-1", "blue mug", "kitchen mug", "stonew"],
)
def test_a_product_is_found_by_the_words_of_every_field(index, words):
    filled(index, MUG, mug(2, name="Red hat", sku="HAT-2", brand="Zeta", categories=(), description="", details=""))

    assert ids(index, words) == [1]


def test_accents_do_not_matter_either_way(index):
    filled(index, mug(1, name="Café crème"), mug(2, name="Cafe creme"))

    assert ids(index, "café") == ids(index, "cafe") == [1, 2]


def test_the_brand_and_the_name_say_more_than_the_category_and_the_description(index):
    other = {"name": "Thing", "brand": "Zeta", "categories": (), "description": "Plain.", "details": ""}
    filled(
        index,
        mug(1, **{**other, "description": "Like copper."}),
        mug(2, **{**other, "categories": ("Copper",)}),
        mug(3, **{**other, "brand": "Copper"}),
        mug(4, **{**other, "name": "Copper"}),
    )

    assert ids(index, "copper") == [3, 4, 2, 1]


def test_every_word_is_asked_for_unless_any_is_enough(index):
    filled(index, mug(1, name="Blue mug"), mug(2, name="Blue hat"), mug(3, name="Red mug", brand="Blue"))

    assert ids(index, "blue mug") == [3, 1]
    assert ids(index, "hat blue", every_word=False) == [2, 3, 1]


def test_the_best_way_to_meet_a_place_counts(index):
    filled(
        index,
        mug(1, name="Oak bookshelf"),
        mug(2, name="Oak shelf for a book"),
        mug(3, name="Book shelf"),
        mug(4, name="Oak"),
    )
    oak, begun = Place((Way(("oak",)),)), Way(("booksh",), begins=True)

    def found(*ways: Way) -> set[int]:
        return set(ids(index, "x", places=(oak._replace(required=False), Place(ways))))

    assert found(Way(("bookshelf",))) == found(begun) == {1}
    assert found(Way(("book", "shelf"))) == {2, 3}
    assert found(Way(("book", "shelf"), phrase=True)) == {3}
    assert found(Way(("bookshelf",)), Way(("book", "shelf"), 0.5)) == {1, 2, 3}
    assert ids(index, "x", places=(oak,)) == [4, 1, 2]


def test_phrases_stand_in_any_field(index):
    other = {"categories": (), "details": ""}
    filled(
        index,
        mug(1, description="With a lid of cork.", **other),
        mug(2, description="A cork with a lid.", **other),
        mug(3, **{**other, "details": "lid of cork"}),
    )

    assert sorted(ids(index, "x", places=(Place((Way(("lid", "of", "cork"), phrase=True),)),))) == [1, 3]


def test_what_a_product_is_says_more_than_what_it_goes_with(index):
    filled(index, mug(1, name="Red bag for camera"), mug(2, name="Red film camera now"))

    assert ids(index, "camera") == [2, 1]
    assert ids(index, "bag") == [1]


def test_an_exact_sku_comes_first(index):
    filled(index, mug(1, name="AB-77 spare AB-77"), mug(2, sku="AB-77", name="Thing"))

    assert ids(index, "ab-77")[0] == 2


def test_equally_good_hits_come_together_and_without_words_in_the_order_of_their_skus(index):
    skus = [f"S-{number * 7919 % 100:02}" for number in range(60)]
    filled(index, *(mug(number, sku=sku) for number, sku in enumerate(skus, 1)))
    by_number = dict(enumerate(skus, 1))

    for text in ("mug", ""):
        for last in (1, 10, 59, 60, 100):
            found = index.find(Question(text), last)
            assert found.total == 60
            if text:
                assert {by_number[number] for number, _ in found.hits} == set(skus)
            else:
                assert [by_number[number] for number, _ in found.hits] == sorted(skus)[:last]


def test_filters_choose_whatever_the_case(index):
    filled(
        index,
        mug(1),
        mug(2, brand="", tags=(), categories=("Home",), facts=(("material", "Glass"),)),
        mug(3, kind="digital", brand="Zeta", facts=()),
    )

    assert ids(index, "", Filter("brand", "ACME")) == [1]
    assert ids(index, "", Filter("brand", "acme", negated=True)) == [2, 3]
    assert ids(index, "", Filter("brand", "")) == [2]
    assert ids(index, "", Filter("brand", "", negated=True)) == [1, 3]
    assert ids(index, "", Filter("category", "home")) == [1, 2, 3]
    assert ids(index, "", Filter("category", "Home > Kitchen")) == [1, 3]
    assert ids(index, "", Filter("tag", "GIFT"), Filter("kind", "physical")) == [1]
    assert ids(index, "", Filter("sku", "p-2")) == [2]
    assert ids(index, "", Filter("fact", "glass", "Material")) == [2]
    assert ids(index, "", Filter("fact", "", "material")) == [3]
    assert ids(index, "", Filter("fact", "", "material", negated=True)) == [1, 2]
    assert ids(index, "mug", Filter("fact", "m", "size")) == [1]


def test_filters_do_not_score(index):
    filled(index, MUG)
    [(_, plain)] = index.find(Question("mug"), 1).hits

    [(_, filtered)] = index.find(Question("mug", (Filter("brand", "acme"),), visible_at=5), 1).hits

    assert filtered == plain


def test_a_product_shows_from_its_first_moment_until_before_its_last(index):
    filled(index, mug(1), mug(2, visible=None), mug(3, visible=(10, 20)))

    assert ids(index, "mug") == [1, 2, 3]
    assert [ids(index, "mug", visible_at=at) for at in (9, 10, 19, 20)] == [[1], [1, 3], [1, 3], [1]]


def test_values_are_counted_over_all_matches(index):
    filled(
        index,
        mug(1),
        mug(2, brand="Zeta", facts=(("Material", "Glass"), ("Size", "M"), ("Size", "L"))),
        mug(3, name="Hat", sku="HAT-3", brand="Zeta", facts=(("material.of.lid", "Cork"),)),
    )

    assert index.count(Question(""), [("brand", "")], 100) == [[("Zeta", 2), ("Acme", 1)]]
    assert index.count(Question("mug"), [("brand", "")], 100) == [[("Acme", 1), ("Zeta", 1)]]
    assert index.count(Question(""), [("category", "")], 100) == [[("Home", 3), ("Home > Kitchen", 3)]]
    assert index.count(Question(""), [("fact", "size")], 100) == [[("M", 2), ("L", 1)]]
    assert index.count(Question(""), [("fact", "material")], 100) == [[("Glass", 1), ("Stoneware", 1)]]
    assert index.count(Question(""), [("fact", "a+(b|[c]*.")], 100) == [[]]
    assert index.count(Question(""), [("brand", "")], 100, within=[1, 3]) == [[("Acme", 1), ("Zeta", 1)]]
    assert index.count(Question(""), [("brand", "")], 100, within=[]) == [[]]


def test_several_fields_are_counted_at_once(index):
    filled(index, mug(1), mug(2, brand="Zeta"))

    assert index.count(Question("mug"), [("kind", ""), ("fact", "size"), ("brand", "")], 100) == [
        [("physical", 2)], [("M", 2)], [("Acme", 1), ("Zeta", 1)],
    ]  # fmt: skip
    assert index.count(Question("mug"), [], 100) == []
    assert index.count(Question("mug", without=(2,)), [("category", "")], 1) in (
        [[("Home", 1)]],
        [[("Home > Kitchen", 1)]],
    )


def test_what_most_hits_are_comes_before_what_only_goes_with_it(index):
    flat = [mug(number, name=f"Flat monitor {number}", description="", details="") for number in range(2, 7)]
    filled(index, mug(1, name="Monitor arm", description="", details=""), *flat)

    assert ids(index, "monitor") == [2, 3, 4, 5, 6, 1]
    assert ids(index, "monitor arm")[0] == 1
    assert [number for number, _ in index.find(Question("monitor"), 3).hits] in ([2, 3, 4, 5, 6], [2, 3, 4])


@pytest.mark.parametrize("large", [0, 10**9])
def test_counting_may_begin_before_it_is_waited_for(index, monkeypatch, large):
    monkeypatch.setattr("shopctl.catalogue.engines.tantivy._LARGE", large)
    filled(index, mug(1), mug(2, brand="Zeta", visible=(10, 20)))

    waited_for = [index.counting(Question("mug", visible_at=at), [("brand", "")], 100) for at in (9, 10)]

    assert ids(index, "mug") == [1, 2]
    assert [counts() for counts in waited_for] == [[[("Acme", 1)]], [[("Acme", 1), ("Zeta", 1)]]]


def test_what_may_cost_so_much_is_found_and_what_varies_told_apart(index):
    largest = 2**63 - 1
    filled(
        index,
        mug(1, costs=(Cost("USD", (1000,), False), Cost("EUR", (50,), False))),
        mug(2, costs=(Cost("USD", (2000, 900), True),)),
        mug(3, costs=(Cost("USD", (largest,), False),)),
        mug(4),
    )

    def costing(*conditions: tuple[tuple[int, int], ...], **more: Any) -> list[int]:
        return ids(index, "mug", priced=Priced("USD", conditions, **more))

    assert costing(((0, 999),)) == [2]
    assert costing(((1000, 1000),)) == [1]
    assert costing(((-largest, -1), (1001, largest))) == [2, 3]
    assert costing(((1500, largest),), ((-largest, 1000),)) == [2], "each at a moment of its own"
    assert costing(()) == []
    assert costing(((-largest, -1),)) == []
    assert 2 in costing(((0, largest),), varying=True)
    assert 1 not in costing(((0, largest),), varying=True)
    assert ids(index, "mug", priced=Priced("EUR", (((0, 50),),))) == [1]
    assert ids(index, "mug", priced=Priced("GBP", (((0, 50),),))) == []
    assert index.varies("USD"), "never denied where there is one"


def test_products_that_are_left_out_are_neither_found_nor_counted(index):
    filled(index, mug(1), mug(2), mug(3))

    assert ids(index, "mug", without=(2, 9)) == [1, 3]
    assert index.count(Question("mug", without=(1,)), [("brand", "")], 100) == [[("Acme", 2)]]


def test_known_words_and_facts_are_known(index):
    filled(index, MUG)

    assert index.has_fact("MATERIAL")
    assert not index.has_fact("mater")
    assert (index.frequency("stoneware"), index.frequency("stone"), index.frequency("coffee")) == (1, 0, 0)
    assert (index.knows("coffees"), index.knows("tea")) == (True, False)
    assert index.beginning("stone", 5) == [("stoneware", 1)]
    assert index.beginning("stone", 0) == index.beginning("x", 5) == []
    assert index.together(("blue", "mugs")) == 1
    assert index.together(("mug", "blue")) == 0
    assert index.stem("mugs") == "mug"


def test_what_is_removed_is_gone_and_what_is_not_committed_never_was(index, name, tmp_path):
    filled(index, mug(1), mug(2), seen=5)
    with index.writer(bulk=False) as writer:
        writer.remove([1, 99])
        writer.add([mug(3)])
        writer.commit(Position(7, "x y"))
    with index.writer(bulk=False) as writer:
        writer.add([mug(4)])

    assert ids(index, "mug") == [1, 2], "an index shows the commit it was opened at"
    index.renew()
    again = engine(name).open(tmp_path / "index")
    for seen in (index, again):
        assert ids(seen, "mug") == [2, 3]
        assert seen.position == Position(7, "x y")
        assert seen.documents == 2


def test_what_is_no_index_is_unusable(name, index, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(IndexUnusable):
        engine(name).open(empty)
    with pytest.raises(IndexUnusable):
        engine(name).open(tmp_path / "nowhere")
    with pytest.raises(IndexUnusable):
        _ = index.position  # made, and never finished


def test_an_engine_that_is_not_there_is_named():
    with pytest.raises(EngineMissing, match="lucene"):
        engine("lucene")
