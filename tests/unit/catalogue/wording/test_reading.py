"""How a text becomes the places of a question."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.engines.names import head
from shopctl.catalogue.wording import synonyms
from shopctl.catalogue.wording.errors import BadSynonyms
from shopctl.catalogue.wording.measures import measures, model
from shopctl.catalogue.wording.reading import Reading, read


class Words:
    """An index that knows names and answers about their words."""

    def __init__(self, *names: str) -> None:
        self.names = [self.words(name) for name in names]

    def words(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())

    def stem(self, word: str) -> str:
        return word.removesuffix("s")

    def frequency(self, word: str) -> int:
        return sum(word in name for name in self.names)

    def knows(self, word: str) -> bool:
        return any(self.stem(word) == self.stem(other) for name in self.names for other in name)

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        found = {word for name in self.names for word in name if word.startswith(start)}
        return sorted(((word, self.frequency(word)) for word in found), key=lambda pair: -pair[1])[:limit]

    def together(self, words: Sequence[str]) -> int:
        return sum(f" {' '.join(words)} " in f" {' '.join(name)} " for name in self.names)


SYNONYMS = synonyms.Synonyms([["tv", "television"], ["hard disk", "hdd"]], [("footwear", ["boots"])])


def reading(text: str, *names: str, **asked: Any) -> Reading:
    return read(text, Words(*names), SYNONYMS, "english", **asked)  # type: ignore[arg-type]


def ways(text: str, *names: str, **asked: Any) -> list[set[str]]:
    """Of each place its ways as text, those of a phrase in quotes, an unfinished word with a star."""
    return [
        {f'"{" ".join(way.words)}"' if way.phrase else " ".join(way.words) + "*" * way.begins for way in place.ways}
        for place in reading(text, *names, **asked).places
    ]


def test_words_are_places_and_come_once():
    assert ways("red mug red ", "red mug") == [{"red"}, {"mug"}]
    assert ways("", "red mug") == ways("?! ", "red mug") == []


def test_the_last_word_may_go_on():
    assert ways("red ket", "red kettle") == [{"red"}, {"ket", "kettle", "ket*"}]
    assert ways("red kettle", "red kettle") == [{"red"}, {"kettle", "kettle*"}]


def test_words_that_say_nothing_are_not_required():
    assert [place.required for place in reading("bag for the camera ", "camera bag").places] == [
        True,
        False,
        False,
        True,
    ]
    assert [place.required for place in reading("for the ", "x").places] == [True, True]


def test_quotes_make_a_phrase_and_stray_ones_nothing():
    assert ways('"red mug" oak ', "oak") == [{'"red mug"'}, {"oak"}]
    assert ways("„red mug“ oak ", "oak") == [{'"red mug"'}, {"oak"}]
    assert ways('red" mug "oak ', "red mug oak") == [{"red"}, {"mug"}, {"oak"}]


def test_compounds_are_found_joined_and_split():
    assert ways("book shelf ", "Bookshelf", "book", "shelf") == [{"book", "bookshelf"}, {"shelf", "bookshelf"}]
    assert ways("bookshelf ", "Oak book shelf") == [{"bookshelf", '"book shelf"'}]
    assert ways("bookshelf ", "book", "shelf") == [{"bookshelf"}], "nothing has both side by side"


def test_models_are_found_with_and_without_their_hyphen():
    assert ways("xj9000 ", "XJ-9000 drill") == [{"xj9000", '"xj 9000"'}]
    assert ways("xj-9000 ", "XJ9000 drill", "xj", "9000") == [{"xj", "xj9000"}, {"9000", "xj9000"}]
    assert model("abc") is model("1234") is model("a1b2c3") is None


@pytest.mark.parametrize("text", ['60"', "60 inch", "60in", "60-inch", "60 inches", "60″"])
def test_measures_are_found_however_they_are_written(text):
    [place] = reading(f"{text} tv", "tv").places[:1]

    assert {("60", "inch"), ("60in",), ("60", "in"), ("60inch",)} <= {way.words for way in place.ways}


def test_numbers_without_a_unit_are_words():
    words = Words().words
    assert [place.ways[0].words for _, _, place in measures("2 in 1 a 5 kg 1.5l 12345678 kg 3x", words)] == [
        ("5", "kg"), ("1", "5", "l"),
    ]  # fmt: skip


def test_other_names_are_worth_less_and_only_those_the_index_has():
    [place] = reading("television ", "tv").places
    assert [(way.words, way.weight < 1) for way in place.ways] == [(("television",), False), (("tv",), True)]
    assert ways("televisions ", "tv")[0] >= {"tv"}, "endings do not matter"
    assert ways("hard disk ", "hdd", "hard", "disk") == [{"hard", "hdd"}, {"disk", "hdd"}]
    assert ways("hdd ", "hard disk") == [{"hdd", '"hard disk"'}]
    assert ways("tv ", "tv") == [{"tv"}]
    assert (ways("footwear ", "boots"), ways("boots ", "footwear", "boots")) == ([{"footwear", "boots"}], [{"boots"}])


def test_mistakes_are_put_right_with_the_indexs_own_words():
    found = reading("coper ketle ", "copper kettle", "copper", "nettle")
    assert (found.corrected, found.unknown) == ("copper kettle", ())
    assert reading("copper kettle ", "copper kettle").corrected is None
    assert reading("qqqqqqqq kettle ", "kettle").unknown == ("qqqqqqqq",)


def test_a_correction_that_stands_beside_the_other_words_is_preferred():
    names = ["hand soap"] * 6 + ["lamp stand"]
    assert reading("lamp sland ", *names).corrected == "lamp stand"


def test_a_known_word_is_only_doubted_boldly():
    names = ["sand"] + ["lamp stand"] * 9
    assert reading("lamp sand ", *names).corrected is None
    assert reading("lamp sand ", *names, bold=True).corrected == "lamp stand"


def test_long_texts_are_cut():
    assert len(reading("mug " * 100_000 + " ".join(map(str, range(10_000))), "mug").places) == 1
    assert len(reading(" ".join(map(str, range(1000))), "mug").places) == 32


def test_the_head_of_a_name_is_what_the_thing_is():
    assert head("Oak shelf with drawers, 60 cm", "english") == "Oak shelf"
    assert head("Camera bag for SLR", "english") == "Camera bag"
    assert head("X-200 (black)", "english") == ""
    assert head("Chaise pliante bleue avec coussin", "french") == "Chaise pliante"


def test_the_bundled_synonyms_are_sound_and_the_example_is_the_same_file():
    assert synonyms.read(None).of(("couch",), str.split, str) == [("sofa",), ("settee",)]
    groups = tomllib.loads(synonyms.BUNDLED.read_text())["same"]
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names)), "no name stands in two lists"
    assert (Path(__file__).parents[4] / "config" / "synonyms.toml").samefile(synonyms.BUNDLED)


@pytest.mark.parametrize("text", ["same = 3", 'same = ["tv"]', "[also]\nx = 3", "other = []", "=", "same = [[1]]"])
def test_synonyms_that_are_none_are_refused(text, tmp_path):
    file = tmp_path / "synonyms.toml"
    file.write_text(text)
    with pytest.raises(BadSynonyms) as refused:
        synonyms.read(file)
    assert refused.value.exit_code == 12
    with pytest.raises(BadSynonyms):
        synonyms.read(tmp_path / "nowhere.toml")
