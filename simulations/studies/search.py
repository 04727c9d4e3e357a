"""A search for better parameters, as a run in chunks, and the study that checks what it found.

    SearchStudy ─► conduct(search_chunk), one chunk a direction ─► rows (direction, vector) ─► shortlist
                                                                                                   │
    figures, verdict ◄─ conduct(lending_chunk) on fresh paths, all scenes ◄─ confirmation ◄────────┘

A direction is a set of weights of the four objectives; CMA-ES climbs its score under the guardrails as a
mask, every vector on the same paths.  The best of many tries looks better than it is (the winner's curse):
what is reported comes from paths that the search has not seen, with intervals for all candidates together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from core.errors import SimulationError
from core.market import PARAMETER_FIELDS, Parameters, parameters_from
from simulations.candidates.ascent import Tried, ascend
from simulations.candidates.frontier import frontier
from simulations.candidates.mask import SEARCHED, ActionMask, Refused
from simulations.candidates.objective import (
    Outcome,
    Sample,
    ScoreWeights,
    harm_of,
    outcome_of,
    revenue_of,
    scales_of,
    score,
    weights_from,
)
from simulations.candidates.reaction import borrowing_power
from simulations.studies.identity import Identity, code_hash
from simulations.studies.lending import (
    Candidate,
    LendingStudy,
    scene_book,
    scene_paths,
    simulate_vectors,
    study_from,
)

TASK = "simulations.studies.search:search_chunk"
EMPHASIS = 4.0
FRESH_SEED = 1_000_003
SHORTLIST = 6
OBJECTIVES = ("revenue", "power", "shortfall", "harm")


@dataclass(frozen=True, slots=True)
class SearchStudy:
    """A market, with the proposal and rivals among its candidates, and how hard to look.

    ``market.paths`` are the paths of every evaluation.
    """

    market: LendingStudy
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    epochs: int = 1
    generations: int = 12
    population: int = 12

    @property
    def mask(self) -> ActionMask:
        """What can be reached from the market as it stands, by the default guardrails."""
        return ActionMask(self.market.current, epochs=self.epochs)

    @property
    def directions(self) -> tuple[ScoreWeights, ...]:
        """The declared weights, then each objective stressed in turn, so that the frontier gets ends."""
        stressed = (
            replace(self.weights, **{name: EMPHASIS * max(getattr(self.weights, name), 1.0)})
            for name in OBJECTIVES
        )
        return (self.weights, *stressed)

    def record(self) -> dict[str, Any]:
        """Return the search as plain values."""
        return {
            "market": self.market.record(),
            "weights": self.weights.record(),
            "epochs": self.epochs,
            "generations": self.generations,
            "population": self.population,
        }

    def identity(self) -> Identity:
        """Return what the run is found by."""
        return Identity(TASK, self.record(), len(self.directions), self.market.seed, code=code_hash())


def search_from(record: Mapping[str, Any]) -> SearchStudy:
    """Return the search of a record, the inverse of ``SearchStudy.record``."""
    counts = {name: int(record[name]) for name in ("epochs", "generations", "population")}
    return SearchStudy(study_from(record["market"]), weights_from(record["weights"]), **counts)


def search_chunk(configuration: Mapping[str, Any], chunk: int) -> pa.Table:
    """Return everything that one direction tried; objectives are empty for what is out of reach."""
    search = search_from(configuration)
    evaluation = _Evaluation(search.market)
    now = evaluation.outcome(search.market.current)
    scales = scales_of(now, supply_usd=search.market.supply_usd)
    direction = search.directions[chunk]

    def scores(vectors: Sequence[Parameters]) -> list[float]:
        evaluation.evaluate(vectors)
        return [score(evaluation.outcome(v), now, scales=scales, weights=direction) for v in vectors]

    tried = ascend(
        search.mask,
        scores,
        seed=search.market.seed + chunk + 1,
        generations=search.generations,
        population=search.population,
    )
    return pa.Table.from_pylist([_tried_row(one, chunk, evaluation) for one in tried], schema=_SCHEMA)


@dataclass(frozen=True, slots=True)
class Explored:
    """What the search came to: distinct vectors with their outcomes, and what was out of reach."""

    vectors: tuple[Parameters, ...]
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]

    def scores(self, search: SearchStudy) -> list[float]:
        """Return each vector's score by the declared weights, on the search's own paths."""
        now = self.outcomes[self.vectors.index(search.market.current)]
        scales = scales_of(now, supply_usd=search.market.supply_usd)
        return [score(one, now, scales=scales, weights=search.weights) for one in self.outcomes]


def explored(table: pa.Table) -> Explored:
    """Return what the rows of all directions say, in the order of trying."""
    found: dict[Parameters, Outcome] = {}
    refused: dict[Parameters, Refused] = {}
    for row in table.to_pylist():
        vector = parameters_from({name: row[name] for name in PARAMETER_FIELDS})
        if row["rule"]:
            refused.setdefault(vector, Refused(vector, row["rule"], row["reason"]))
        else:
            found.setdefault(vector, Outcome(**{name: row[name] for name in OBJECTIVES}))
    return Explored(tuple(found), tuple(found.values()), tuple(refused.values()))


def shortlist(search: SearchStudy, found: Explored) -> tuple[Candidate, ...]:
    """Return what deserves fresh paths: the best by the declared score, and the ends of the frontier.

    Vectors that stand among the market's candidates already are left out; of several with the very same
    outcome the one that changes least stays, and moves that change no outcome are taken back.
    """
    known = {candidate.parameters for candidate in search.market.candidates}
    found = _simplest(found, search.market.current)
    scores = found.scores(search)
    best = sorted(range(len(scores)), key=lambda place: -scores[place])
    efficient = frontier(found.outcomes)
    ends = [
        max(efficient, key=lambda place: sign * getattr(found.outcomes[place], name))
        for name, sign in zip(OBJECTIVES, (1, 1, -1, -1), strict=True)
    ]
    chosen: list[Parameters] = []
    for place in [best[0], *ends, *(one for one in best[1:] if one in set(efficient))]:
        vector = found.vectors[place]
        if vector not in known and vector not in chosen and len(chosen) < SHORTLIST:
            chosen.append(vector)
    plain = dict.fromkeys(_without_idle_moves(search, chosen))
    return tuple(
        Candidate(f"found {number}", vector)
        for number, vector in enumerate((one for one in plain if one not in known), 1)
    )


def _simplest(found: Explored, current: Parameters) -> Explored:
    """Return one vector for each outcome: the one that changes the fewest fields."""
    kept: dict[Outcome, Parameters] = {}
    for vector, outcome in zip(found.vectors, found.outcomes, strict=True):
        standing = kept.setdefault(outcome, vector)
        if _changed(vector, current) < _changed(standing, current):
            kept[outcome] = vector
    return replace(found, vectors=tuple(kept.values()), outcomes=tuple(kept))


def _without_idle_moves(search: SearchStudy, chosen: Sequence[Parameters]) -> list[Parameters]:
    """Take back every move without which the outcome is the very same, such as that of an idle cap."""
    evaluation, now = _Evaluation(search.market), search.market.current
    plain = []
    for vector in chosen:
        for scalar in SEARCHED:
            less = parameters_from({**vector.as_dict(), scalar.value: now.field(scalar)})
            if search.mask.admits(less) and evaluation.outcome(less) == evaluation.outcome(vector):
                vector = less
        plain.append(vector)
    return plain


def _changed(vector: Parameters, current: Parameters) -> int:
    before, after = current.as_dict(), vector.as_dict()
    return sum(before[name] != after[name] for name in before)


def confirmation(search: SearchStudy, chosen: Sequence[Candidate], *, paths: int) -> LendingStudy:
    """Return the study of the market's candidates and the chosen, on paths the search has not seen.

    Raises:
        SimulationError: no path.
    """
    if paths < 1:
        raise SimulationError(f"paths were {paths}", allowed="at least 1")
    market = search.market
    return replace(
        market,
        candidates=(*market.candidates, *chosen),
        seed=market.seed + FRESH_SEED,
        book_seed=market.book_number,
        paths=paths,
    )


class _Evaluation:
    """Vectors on the search's paths, each simulated once."""

    def __init__(self, market: LendingStudy) -> None:
        self._market = market
        self._prices, weights = scene_paths(market, market.base, first_path=0, paths=market.paths)
        self._weights = weights if market.is_tilted(market.base) else None
        self._known: dict[Parameters, Outcome] = {}

    def evaluate(self, vectors: Sequence[Parameters]) -> None:
        """Simulate what is not known, all together."""
        new = [vector for vector in dict.fromkeys(vectors) if vector not in self._known]
        if not new:
            return
        market = self._market
        result = simulate_vectors(market, market.base, new, prices=self._prices)
        book = scene_book(market, market.base, new)
        power = borrowing_power(book, new, price=market.start_price)
        lost = result.bad_debt + result.uncovered
        revenue = revenue_of(result.interest, result.repaid, result.liquidated_value)
        last = self._prices[:, -1]
        harm = harm_of(
            result.repaid,
            result.liquidated_value,
            coins=result.seized,
            last_price=last,
            start_price=market.start_price,
        )
        for row, vector in enumerate(new):
            sample = Sample(revenue[row], lost[row], harm[row], float(power[row]), self._weights)
            self._known[vector] = outcome_of(sample)

    def outcome(self, vector: Parameters) -> Outcome:
        """Return the objectives of one vector."""
        self.evaluate([vector])
        return self._known[vector]


_SCHEMA = pa.schema(
    [
        ("direction", pa.int64()),
        ("generation", pa.int64()),
        *((name, pa.int64()) for name in PARAMETER_FIELDS),
        *((name, pa.float64()) for name in OBJECTIVES),
        ("score", pa.float64()),
        ("rule", pa.string()),
        ("reason", pa.string()),
    ]
)


def _tried_row(tried: Tried, direction: int, evaluation: _Evaluation) -> dict[str, Any]:
    row: dict[str, Any] = {"direction": direction, "generation": tried.generation, "score": tried.score}
    row |= tried.parameters.as_dict()
    if tried.refused is not None:
        return {**row, "rule": tried.refused.rule, "reason": tried.refused.reason}
    outcome = evaluation.outcome(tried.parameters)
    return {**row, **{name: getattr(outcome, name) for name in OBJECTIVES}, "rule": "", "reason": ""}
