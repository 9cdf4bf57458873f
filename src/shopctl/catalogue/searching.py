"""Finds products by words: the index says which match, the database what they cost, hold and are at this moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.catalogue import due, facets, queries
from shopctl.catalogue.candidates import SORTS, Choice, Shown, Terms, shown
from shopctl.catalogue.engines import engine as engine_named
from shopctl.catalogue.engines.errors import IndexUnusable, UnknownSearchField, UnknownSort
from shopctl.catalogue.facets import Facet
from shopctl.catalogue.finding import Asked, page
from shopctl.catalogue.indexing import SMALL, Indexing, Note, Progress, Refreshed, silent
from shopctl.catalogue.model import effective_price, nearest_price
from shopctl.catalogue.ports import Filter, Index, Question
from shopctl.catalogue.where import FIELDS, KEYWORDS, Condition, parsed
from shopctl.catalogue.wording import reading
from shopctl.kernel import money
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import ShopctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from shopctl.catalogue.wording.reading import Reading
    from shopctl.catalogue.wording.synonyms import Synonyms
    from shopctl.storage.database import Database

_FIRST_PAGE = 10
_DEEP = 100_000  # hits looked through for judged products


class SearchRequest(NamedTuple):
    """What is asked: blank `query` is everything, all of `where` hold, `currency` None is the shop's."""

    query: str
    where: Sequence[str] = ()
    facets: Sequence[str] = ()
    sort: str = "relevance"
    currency: str | None = None
    limit: int = 10
    offset: int = 0


class _Plan(NamedTuple):
    conditions: Sequence[Condition]
    asked: Asked
    request: SearchRequest
    facets: Sequence[Facet]


class SearchService:
    """Search over one shop's catalogue."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        engine: str,
        folder: Path,
        currency: str,
        language: str = "english",
        synonyms: Path | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.currency = currency
        self._engine = engine
        self._folder = folder
        self._language = language
        self._synonyms_file = synonyms
        self._synonyms: Synonyms | None = None
        self._made: Indexing | None = None

    @property
    def indexing(self) -> Indexing:
        """The index, with its engine imported on first use. Raises EngineMissing, EngineNotInstalled."""
        if self._made is None:
            self._made = Indexing(engine_named(self._engine, self._language), self._folder)
        return self._made

    def search(self, request: SearchRequest, note: Note = silent) -> dict[str, Any]:
        """The products that match, best first: {"total","took_ms","hits","facets","suggestion","left_out","lag"}.

        A hit is {"sku","name","brand","category","price":{"amount","currency"},"stock","score"}; its price is none
        when it is not sold in the currency asked for, and in another currency when none was asked for. Only products
        that buyers meet now, unless a condition names a status. `lag` counts changes the index does not hold yet.
        `note` is told when the index has to be built first; `took_ms` leaves that out.

        Raises BadCondition, BadRange, BadSynonyms, UnknownSearchField, UnknownSort, UsageError, IndexBusy,
        IndexNotWritten.
        """
        started = time.perf_counter()
        # Buyers already meet it; the index and others hear of it from the log.
        due.tell(self.database, self.clock, wait=0, most=SMALL)
        plan = self._plan(request)
        before = self.indexing.generations.current()
        try:
            # Opened before the snapshot is taken: what the index holds, the database then shows.
            index = self.indexing.kept(before)
            if index is None:
                raise IndexUnusable(reason="there is none yet")
            return self._searched(plan, index, started)
        except IndexUnusable as unusable:
            index = self.indexing.replaced(self.database, before, str(unusable.facts["reason"]), note)
            return self._searched(plan, index, time.perf_counter())

    def ranking(self, text: str, judged: Collection[str]) -> tuple[int, list[str]]:
        """How many products match a text, and SKUs best first: the first page, and all of `judged` behind it.

        For measuring; builds the index when there is none. Raises as `search` does.
        """
        self.search(SearchRequest(text, limit=1))
        plan = self._plan(SearchRequest(text, limit=_DEEP))
        index = self.indexing.opened()
        assert index is not None
        with self.database.read() as unit:
            found = page(unit, self.indexing.ready(unit, index), plan.asked, self._read)
            top = queries.skus_of(unit, [number for number, _ in found.hits[:_FIRST_PAGE]])
            known = top | queries.numbers_of(unit, judged)
        return found.total, [known[number] for number, _ in found.hits if number in known]

    def refresh(self, progress: Progress = silent) -> Refreshed:
        """Bring the index in step with the catalogue, as after an import. Raises IndexBusy, IndexNotWritten."""
        due.tell(self.database, self.clock)
        return self.indexing.refresh(self.database, progress)

    def follow(self, progress: Progress = silent, note: Note = silent) -> None:
        """Bring the index in step after an import, where there is one; the first search makes it.

        An index that cannot be written now fails nothing: it is a cache, and searches say how far behind it is.
        """
        try:
            if self.indexing.opened() is not None:
                self.refresh(progress)
        except ShopctlError as problem:
            note(f"The search index was not brought in step: {problem}")

    def reindex(self, progress: Progress = silent) -> dict[str, Any]:
        """Build the index anew: {"engine","documents","lag","seconds"}. Raises IndexBusy, IndexNotWritten."""
        due.tell(self.database, self.clock)
        done = self.indexing.rebuild(self.database, progress)
        return {
            "engine": self.indexing.engine.name,
            "documents": done.documents,
            "lag": done.lag,
            "seconds": round(done.seconds, 3),
        }

    def lag(self) -> int | None:
        """How many changes the index does not hold yet; None when there is no index of any use."""
        from shopctl.catalogue import positions

        try:
            index = self.indexing.opened()
        except IndexUnusable:
            return None
        with self.database.read() as unit:
            return None if index is None else positions.lag(unit, index.position)

    def _plan(self, request: SearchRequest) -> _Plan:
        currency = (request.currency or self.currency).upper()
        if currency not in money.EXPONENTS:
            raise UsageError(
                problem=f"{currency[:40]!r} is no currency.", remedy="Give its ISO 4217 code, such as --currency EUR."
            )
        if request.sort not in SORTS:
            raise UnknownSort(field=request.sort[:40])
        now = self.clock.now()
        conditions = [parsed(_sound(text)) for text in request.where]
        in_database = [one for one in conditions if one.numeric or one.field == "status"]
        any_status = any(one.field == "status" for one in conditions)
        question = Question(
            _sound(request.query),
            tuple(_filter(one) for one in conditions if one not in in_database),
            None if any_status else now,
        )
        choice = Choice(None if any_status else "active", in_database)
        wanted = [facets.parsed(_sound(field)) for field in request.facets]
        columns, most = facets.columns_of(wanted)
        asked = Asked(
            question, choice, Terms(currency, now), request.sort, request.limit, request.offset,
            tuple(columns.values()), most,
        )  # fmt: skip
        return _Plan(conditions, asked, request, wanted)

    def _searched(self, plan: _Plan, index: Index, started: float) -> dict[str, Any]:
        with self.database.read() as unit:
            standing = self.indexing.ready(unit, index)
            index = standing.index
            _check_names(index, plan)
            found = page(unit, standing, plan.asked, self._read)
            products = shown(unit, [number for number, _ in found.hits], plan.asked.terms)
            counts = facets.counts(unit, index, found, plan.facets, plan.asked.terms)
        answer: dict[str, Any] = {
            "hits": [_hit(products[number], score, plan) for number, score in found.hits if number in products],
            "facets": counts,
            "suggestion": found.corrected if found.total else None,
            "left_out": _told(plan.asked.question.text, found.left_out),
            "lag": standing.lag,
        }
        return {"total": found.total, "took_ms": round((time.perf_counter() - started) * 1000, 3), **answer}

    def _read(self, index: Index, text: str, bold: bool) -> Reading:
        if self._synonyms is None:
            from shopctl.catalogue.wording import synonyms

            self._synonyms = synonyms.read(self._synonyms_file)
        return reading.read(text, index, self._synonyms, self._language, bold=bold)


def _filter(condition: Condition) -> Filter:
    field = KEYWORDS.get(condition.field, "fact")
    return Filter(field, condition.value, condition.key, negated=condition.operator == "!=")


def _check_names(index: Index, plan: _Plan) -> None:
    """A bare name that no product has is more likely a mistake than an attribute to come. Raises UnknownSearchField."""
    if not index.documents:
        return
    guesses = [(one.key, "choose", FIELDS) for one in plan.conditions if one.field == "fact" and not one.named]
    guesses += [(facet.key, "count", facets.COUNTED) for facet in plan.facets if facet.guessed]
    for name, purpose, known in guesses:
        if not index.has_fact(name):
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), known, 1)
            raise UnknownSearchField(
                field=name[:100],
                purpose=purpose,
                known=", ".join(known),
                suggestion=f" Did you mean {near[0]}?" if near else "",
            )


def _hit(product: Shown, score: float, plan: _Plan) -> dict[str, Any]:
    # Who names a currency wants no other; who names none is better told what a product costs elsewhere than nothing.
    price_of = effective_price if plan.request.currency else nearest_price
    price = price_of(product.prices, currency=plan.asked.terms.currency, at=plan.asked.terms.now)
    return {
        "sku": product.sku,
        "name": product.name,
        "brand": product.brand,
        "category": product.category,
        "price": price and {"amount": money.show(price.amount, price.currency), "currency": price.currency},
        "stock": product.stock,
        "score": round(score, 4),
    }


def _sound(text: str) -> str:
    # An argument that is not UTF-8 reaches Python with lone surrogates, which neither index nor database takes.
    return text.encode("utf-8", "replace").decode()


def _told(query: str, left_out: Sequence[str]) -> list[str]:
    """The words without those of a secret that somebody pasted into the query (S18)."""
    if not left_out:
        return []
    from shopctl.kernel.redaction import redact

    shown = redact(query).casefold()
    return [word for word in left_out if word in shown]
