"""Writes the feed of the import figures: from a seed, SKUs in shuffled order, quoted newlines, and a few bad rows.

    python benchmarks/feed.py --rows 100000 --dir /tmp/feeds

The file is kept and taken again; beside it lies what an import of it must report.
"""

from __future__ import annotations

import csv
import json
import os
import random
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from common import announce, arguments

COLUMNS = ("sku", "name", "description", "brand", "category", "price", "currency", "stock", "weight")
_VERSION = 2  # goes up when the same seed gives other rows
_SEED = 20261124
_BAD_EVERY = 1000  # 0.1 % of the rows
_NEWLINE_EVERY = 33  # 3 % of the records
_CHANGED_EVERY = 100  # 1 % of the rows, in the changed file

# What is broken in a bad row, in turn, as (column, value).
_BAD = (
    ("price", "12.3.4"),
    ("stock", "-5"),
    ("name", ""),
    ("sku", ""),
    ("price", "on request"),
    ("currency", "EURO"),
    ("stock", "many"),
)


def _words(text: str) -> list[str]:
    return text.split()


NOUNS = _words("""
    mug kettle lamp chair table shelf drawer bottle jacket shirt boot glove scarf tent stove rope axe saw drill hammer
    wrench clamp bolt cable charger speaker camera tripod lens screen keyboard mouse printer router pillow blanket
    curtain carpet vase candle mirror frame clock basket bucket broom brush sponge towel soap razor comb pan pot knife
    fork spoon bowl plate glass jug tray board grater whisk oven toaster blender juicer scale timer thermometer fridge
""")
ADJECTIVES = _words("""
    blue red green black white grey yellow orange brown silver golden matt glossy oak pine steel copper brass wool
    linen cotton leather glass ceramic plastic folding stacking wireless heavy light large small compact double single
    waterproof insulated magnetic adjustable quiet robust slim wide tall short vintage modern café größe élégant
""")
_REST = _words("""
    the a with for and of in to from on by made every day use home garden office kitchen workshop travel winter summer
    easy clean store hold keep fits most standard sizes includes two three four parts warranty years quality design
    surface finish handle lid base cover set pack spare replacement tested safe children adults outdoor indoor machine
    dishwasher washable dry warm cold hot water power battery hours charge fast slow weight length width height diameter
""")
_BRANDS = _words("""
    Aldermoor Birkfeld Corvane Dunmark Estrella Fjordan Galloway Hartwell Ilmare Juniper Kestrel Lindqvist Marlow
    Norrland Ostara Pellworm Quillon Ravensby Solveig Tamsin Ulverton Vantage Westerly Yarrow Zephyr
""")
_ROOMS = _words("Home Garden Kitchen Workshop Office Travel Sports Clothing Electronics Outdoor")
_CURRENCIES = ("EUR", "EUR", "EUR", "USD", "GBP")


@dataclass(frozen=True)
class Feed:
    """A file, and the counts that an import of it into an empty shop reports."""

    path: str
    rows: int
    bytes: int
    good: int
    bad: int
    bad_by_column: dict[str, int]
    changed: int  # products that differ from the plain file's

    @property
    def file(self) -> Path:
        """Where it is."""
        return Path(self.path)


def feed(folder: Path, rows: int, *, changed: bool = False) -> Feed:
    """The feed of that many rows, written now if it is not there yet; `changed` gives 1 % of them another price."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"feed-{_VERSION}-{rows}{'-changed' if changed else ''}"
    path, facts = folder / f"{stem}.csv", folder / f"{stem}.json"
    if facts.exists() and path.exists():
        return Feed(**json.loads(facts.read_text(encoding="utf-8")) | {"path": str(path)})
    announce(f"writing {path.name} …")
    written = _write(path, rows, changed)
    facts.write_text(json.dumps(asdict(written)), encoding="utf-8")
    return written


def sku(number: int) -> str:
    """The SKU of a product; the feed has those of 0 to rows - 1, less the bad ones."""
    return f"BM-{number:08d}"


def good_skus(file: Path, count: int) -> list[str]:
    """SKUs of some good rows near the top of a feed."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return [row["sku"] for _, row in zip(range(count), rows, strict=False)]  # row 500 is the first bad one


def _write(path: Path, rows: int, changed: bool) -> Feed:
    chance = random.Random(_SEED)
    order = list(range(rows))
    chance.shuffle(order)
    texts = _texts(chance)
    categories = [
        f"{room} > {noun.title()}s" + (f" > {adjective.title()}" if adjective in ADJECTIVES[:12] else "")
        for room in _ROOMS for noun in NOUNS[:20] for adjective in (chance.choice(ADJECTIVES),)
    ]  # fmt: skip
    names = [f"{first} {second} {noun}" for noun in NOUNS for first in ADJECTIVES for second in ADJECTIVES[:8]]
    bad_columns: Counter[str] = Counter()
    different = 0
    draw = chance.random
    partial = path.with_name(path.name + ".part")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        write = csv.writer(stream, lineterminator="\n").writerow
        write(COLUMNS)
        for position, number in enumerate(order):
            one, two, three = draw(), draw(), draw()
            description = texts[int(one * len(texts))]
            if position % _NEWLINE_EVERY == 0:
                description = description.replace(". ", ".\n")
            price = int(two * two * 50000) + 99
            bad = position % _BAD_EVERY == _BAD_EVERY // 2
            if changed and position % _CHANGED_EVERY == 7 and not bad:
                price += 1
                different += 1
            row = [
                sku(number),
                f"{names[int(two * len(names))]} {number % 9973}",
                description,
                _BRANDS[number % len(_BRANDS)],
                categories[int(three * len(categories))],
                f"{price // 100}.{price % 100:02d}",
                _CURRENCIES[number % len(_CURRENCIES)],
                str(int(three * three * 500)),
                f"{int(one * 9000) / 1000:.3f}",
            ]
            if bad:
                column, value = _BAD[position // _BAD_EVERY % len(_BAD)]
                row[COLUMNS.index(column)] = value
                bad_columns[column] += 1
            write(row)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
    bad_rows = bad_columns.total()
    size = path.stat().st_size
    return Feed(str(path), rows, size, rows - bad_rows, bad_rows, dict(bad_columns), different)


def _texts(chance: random.Random) -> list[str]:
    """Descriptions of two to four sentences, with commas, a quoted word here and there, and some accented letters."""
    texts = []
    for _ in range(20000):
        sentences = []
        for _ in range(chance.randint(2, 4)):
            words = chance.choices(_REST, k=chance.randint(9, 16))
            words.insert(chance.randrange(len(words)), chance.choice(ADJECTIVES))
            words.insert(chance.randrange(len(words)), chance.choice(NOUNS))
            if chance.random() < 0.4:
                words[len(words) // 2] += ","
            if chance.random() < 0.02:
                words[1] = f'"{words[1]}"'
            sentences.append(" ".join(words).capitalize())
        texts.append(". ".join(sentences) + ".")
    return texts


def main() -> None:
    """Write a feed and its changed twin."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    options = parser.parse_args()
    for changed in (False, True):
        print(json.dumps(asdict(feed(options.dir, options.rows, changed=changed))))


if __name__ == "__main__":
    main()
