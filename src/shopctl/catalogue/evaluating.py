"""Holds search against people's judgments, and against how good it was before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from shopctl.catalogue import judging
from shopctl.catalogue.errors import BadJudgments, RelevanceFell
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.catalogue.searching import SearchService

_WORST = 10
_LOWEST = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(%?)")


def evaluate(search: SearchService, judgments: judging.Judgments, *, typos: int | None = None) -> dict[str, Any]:
    """{"queries","ndcg_at_10","mrr","zero_results","judged_ndcg_at_10","left_out","worst"}.

    Every query is searched as a buyer would, with one typo in it when `typos` gives a seed. Queries that no judged
    product suits are left out and counted. `worst` are those with the lowest NDCG@10, lowest first.
    """
    scores: list[judging.Score] = []
    for query, ratings in judgments.items():
        if any(ratings.values()):
            asked = query if typos is None else judging.mistyped(query, typos)
            total, skus = search.ranking(asked, ratings)
            scores.append(judging.score(asked, skus, ratings, total))
    worst = sorted(scores, key=lambda one: (one.ndcg, one.query))[:_WORST]
    return {
        "queries": len(scores),
        "ndcg_at_10": round(fmean(one.ndcg for one in scores), 4),
        "mrr": round(fmean(one.reciprocal_rank for one in scores), 4),
        "zero_results": sum(not one.found for one in scores),
        "judged_ndcg_at_10": round(fmean(one.judged for one in scores), 4),
        "left_out": len(judgments) - len(scores),
        "worst": [
            {"query": one.query, "ndcg_at_10": round(one.ndcg, 4), "judged_ndcg_at_10": round(one.judged, 4),
             "reciprocal_rank": round(one.reciprocal_rank, 4), "total": one.found}
            for one in worst if one.ndcg < 1
        ],
    }  # fmt: skip


def baseline(file: str) -> float:
    """NDCG@10 in the JSON of an earlier evaluation. Raises BadJudgments."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))["ndcg_at_10"]
        if not isinstance(found, int | float) or not 0 <= found <= 1:
            raise ValueError
    except OSError as error:
        raise BadJudgments(file=file, reason=error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadJudgments(file=file, reason="it is no JSON of catalogue evaluate with an ndcg_at_10") from None
    return float(found)


def lowest(fail_below: str | None, before: float | None) -> float | None:
    """The lowest NDCG@10 that passes; None: any.

    `fail_below` is a figure from 0 to 1, or a share of the one of `before` such as `98%`. A figure does not let it
    fall below the one of before, and neither does a baseline alone. Raises UsageError.
    """
    if fail_below is None:
        return before
    match = _LOWEST.fullmatch(fail_below.strip())
    if match is None or (not match[2] and float(match[1]) > 1):
        raise UsageError(
            problem=f"{fail_below[:40]!r} is no lowest NDCG@10.",
            remedy="Give --fail-below 0.85, or 98% of a --baseline.",
        )
    if not match[2]:
        return max(float(match[1]), before or 0.0)
    if before is None:
        raise UsageError(problem=f"{fail_below} of what?", remedy="Name the evaluation of before with --baseline FILE.")
    return before * float(match[1]) / 100


def check(found: float, wanted: float | None) -> None:
    """Raise RelevanceFell when NDCG@10 is below the lowest that passes."""
    if wanted is not None and found < round(wanted, 4):
        raise RelevanceFell(found=f"{found:.4f}", wanted=f"{wanted:.4f}")
