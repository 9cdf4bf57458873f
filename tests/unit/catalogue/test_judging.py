"""The measures of a ranking, and the file of judgments."""

from __future__ import annotations

from math import log2
from pathlib import Path

import pytest

from shopctl.catalogue import evaluating, judging
from shopctl.catalogue.errors import BadJudgments, RelevanceFell
from shopctl.catalogue.wording.spelling import distance
from shopctl.kernel.errors import UsageError

RATINGS = {"A": 3.0, "B": 1.0, "C": 0.0}


def test_the_best_order_scores_one_and_an_unjudged_hit_costs():
    best = 7 + 1 / log2(3)

    assert judging.score("q", ["A", "B"], RATINGS, 2)[1:4] == (1.0, 1.0, 1.0)
    score = judging.score("q", ["X", "B", "A"], RATINGS, 3)
    assert score.ndcg == pytest.approx((1 / log2(3) + 7 / log2(4)) / best)
    assert score.judged == pytest.approx((1 + 7 / log2(3)) / best), "as if the unjudged hit were not there"
    assert score.reciprocal_rank == 0.5
    assert judging.score("q", [], RATINGS, 0)[1:4] == (0, 0, 0)


def test_only_ten_hits_count():
    ranked = [f"X{number}" for number in range(10)] + ["A"]
    assert judging.score("q", ranked, RATINGS, 11)[1:4] == (0, pytest.approx(7 / (7 + 1 / log2(3))), 0)


def test_one_mistake_is_made_in_the_longest_word_and_never_in_its_first_letter():
    for seed in range(300):
        first, second = judging.mistyped("red kettle", seed).split()
        assert first == "red"
        assert second[0] == "k"
        assert distance("kettle", second, 3) == 1
    assert judging.mistyped("red kettle", 1) == judging.mistyped("red kettle", 1)
    assert judging.mistyped("red mug", 1) == "red mug"


def test_judgments_are_read_and_their_order_of_columns_does_not_matter(tmp_path: Path):
    file = tmp_path / "judgments.csv"
    file.write_text("SKU, rating,query,by\nA,3,red mug,x\nB,0.5,red mug,y\nA,0,hat,x\n")
    assert judging.read(str(file)) == {"red mug": {"A": 3.0, "B": 0.5}, "hat": {"A": 0.0}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column query"),
        ("query,sku\na,b\n", "no column rating"),
        ("query,sku,rating\na,b,high\n", "line 2"),
        ("query,sku,rating\na,b,nan\n", "line 2"),
        ("query,sku,rating\na,b,-1\n", "line 2"),
        ("query,sku,rating\na,,1\n", "line 2"),
        ("query,sku,rating\na,b\n", "line 2"),
        ("query,sku,rating\na,b,1\na,b,2\n", "second time"),
        ("query,sku,rating\na,b,0\n", "no query has"),
        ('query,sku,rating\na,"b,1\n', "end of data"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text, said, tmp_path):
    file = tmp_path / "judgments.csv"
    file.write_text(text)
    with pytest.raises(BadJudgments) as refused:
        judging.read(str(file))
    assert said in str(refused.value)
    assert refused.value.exit_code == 12


def test_no_text_and_no_file_are_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00query")
    for name in ("binary", "nowhere"):
        with pytest.raises(BadJudgments):
            judging.read(str(tmp_path / name))
        with pytest.raises(BadJudgments):
            evaluating.baseline(str(tmp_path / name))


def test_what_passes_is_a_figure_or_a_share_of_the_one_before():
    assert evaluating.lowest(None, None) is None
    assert evaluating.lowest("0.85", None) == 0.85
    assert evaluating.lowest(None, 0.8) == 0.8
    assert evaluating.lowest("0.85", 0.8) == 0.85
    assert evaluating.lowest("0.5", 0.8) == 0.8
    assert evaluating.lowest("98%", 0.5) == pytest.approx(0.49)
    for text, before in (("98%", None), ("high", 0.8), ("2", 0.8), ("-1", None)):
        with pytest.raises(UsageError):
            evaluating.lowest(text, before)
    evaluating.check(0.8, 0.8)
    evaluating.check(0.8, None)
    with pytest.raises(RelevanceFell) as fell:
        evaluating.check(0.7999, 0.8)
    assert fell.value.exit_code == 6
