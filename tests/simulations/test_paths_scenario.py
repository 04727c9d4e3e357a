"""Drawing whole models: shapes, reproducibility, variance reduction, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from core.errors import SimulationError
from simulations.paths.depeg import Pegged
from simulations.paths.dependence import Copula, OneFactor
from simulations.paths.draw import chunks, draw, machine_bytes
from simulations.paths.garch import Garch, GarchProcess
from simulations.paths.jumps import DoubleExponentialJump, Jumps, MarketJump, NormalJump, OwnJump
from simulations.paths.normal import normals
from simulations.paths.resample import BlockBootstrap, FilteredHistory
from simulations.paths.scenario import PathModel, canonical, model_hash

HOUR = 3600
DEVIATION = 0.01
FLAT = Garch(omega=DEVIATION**2, alpha=0.0, beta=0.0)
"""Independent normal returns of one per cent a step."""

ETHER = Garch(omega=1e-6, alpha=0.06, beta=0.9, gamma=0.03, degrees=5.0)
MARKET_JUMP = MarketJump(50.0, DoubleExponentialJump(0.2, 0.05, 0.1), (1.0, 0.8))
STABLE = Pegged("USDX", 1.0, 40.0, 0.05, 6 * HOUR, 24 * HOUR, market_entry_share=0.3, calm_deviation=5e-4)
STAKED = Pegged("stETH", 1_990.0, 10.0, 0.02, 24 * HOUR, 48 * HOUR, anchor="WETH", market_entry_share=0.2)

ONE = PathModel(("WETH",), (2_000.0,), HOUR, GarchProcess((FLAT,)))
FULL = PathModel(
    assets=("WETH", "WBTC"),
    start_prices=(2_000.0, 60_000.0),
    step_seconds=HOUR,
    process=GarchProcess((ETHER, replace(ETHER, degrees=None))),
    dependence=Copula(((1.0, 0.8), (0.8, 1.0)), 4.0),
    jumps=Jumps((OwnJump(60.0, NormalJump(-0.02, 0.04)), None), MARKET_JUMP),
    pegged=(STABLE, STAKED),
)
PAST = np.random.default_rng(1).standard_normal((200, 2)) * 0.01
OF_THE_PAST = replace(FULL, process=BlockBootstrap(PAST, 6.0), dependence=None)
FILTERED = replace(FULL, process=FilteredHistory((ETHER, FLAT), PAST * 100), dependence=None)
EVERY = {
    "full": FULL,
    "one factor": replace(FULL, dependence=OneFactor((0.9, 0.7), 5.0)),
    "antithetic": replace(FULL, antithetic=True),
    "bootstrap": OF_THE_PAST,
    "filtered": FILTERED,
}


def test_prices_are_step_path_asset_with_pegged_assets_last() -> None:
    prices = draw(FULL, paths=10, steps=24, seed=1)
    assert prices.shape == (24, 10, 4) and FULL.names == ("WETH", "WBTC", "USDX", "stETH")
    assert prices.dtype == np.float64 and np.isfinite(prices).all() and (prices > 0).all()
    assert prices[0].mean(axis=0) == pytest.approx([2_000, 60_000, 1, 1_990], rel=0.05)
    assert prices[:, :, 1].strides[1] == 8, "a step's paths lie side by side"


def test_prices_are_the_start_times_the_sum_of_returns() -> None:
    shocks = normals(seed=7, paths=50, steps=12)
    expected = 2_000 * np.exp(DEVIATION * shocks.cumsum(axis=0))
    assert draw(ONE, paths=50, steps=12, seed=7)[:, :, 0] == pytest.approx(expected, rel=1e-14)


def test_without_movement_the_price_stands_still() -> None:
    still = replace(ONE, process=GarchProcess((Garch(omega=1e-300, alpha=0.0, beta=0.0),)))
    assert (draw(still, paths=3, steps=5, seed=1) == 2_000.0).all()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_change_no_bit(name: str, threads: int) -> None:
    model = EVERY[name]
    whole = draw(model, paths=700, steps=33, seed=5)
    budget = 75 * 33 * 4 * 8 + 100
    pieces = list(chunks(model, paths=700, steps=33, seed=5, threads=threads, memory_budget_bytes=budget))
    assert len(pieces) == 10 and max(piece.prices.nbytes for piece in pieces) <= budget
    size = 74 if model.antithetic else 75
    assert [piece.first_path for piece in pieces[:3]] == [0, size, 2 * size]
    assert np.array_equal(whole, np.concatenate([piece.prices for piece in pieces], axis=1))
    assert np.array_equal(whole, draw(model, paths=700, steps=33, seed=5, threads=threads))


@pytest.mark.parametrize("name", EVERY)
def test_further_paths_and_shorter_ones_are_parts_of_one_sample(name: str) -> None:
    model = EVERY[name]
    whole = draw(model, paths=3_000, steps=10, seed=5)
    assert np.array_equal(whole[:, 2_500:], draw(model, paths=500, steps=10, seed=5, first_path=2_500))
    assert np.array_equal(whole[:7, :50], draw(model, paths=50, steps=7, seed=5))
    assert not np.array_equal(whole, draw(model, paths=3_000, steps=10, seed=6))


def test_a_path_far_out_is_drawn_without_those_before_it() -> None:
    assert draw(FULL, paths=4, steps=5, seed=1, first_path=2**32 - 4).shape == (5, 4, 4)


def test_a_staked_token_follows_its_anchor_by_its_gap() -> None:
    calm = replace(STAKED, breaks_per_year=0.0, market_entry_share=0.0)
    prices = draw(replace(FULL, pegged=(calm,)), paths=50, steps=20, seed=1)
    assert prices[:, :, 2] / 1_990 == pytest.approx(prices[:, :, 0] / 2_000)
    broken = draw(FULL, paths=2_000, steps=100, seed=1)
    gap = np.log(broken[:, :, 3] / 1_990 / (broken[:, :, 0] / 2_000))
    assert gap.max() < 1e-9 and gap.min() < -0.02


def test_falls_of_the_market_break_pegs() -> None:
    only = replace(STABLE, breaks_per_year=0.0, calm_deviation=0.0, market_entry_share=1.0)
    model = replace(FULL, pegged=(only,), jumps=Jumps((None, None), MARKET_JUMP))
    prices = draw(model, paths=4_000, steps=48, seed=2)
    broken = (prices[-1, :, 2] < 1) | (prices[:, :, 2].min(axis=0) < 1)
    falls_per_path = 50.0 * 0.8 * 48 / 8_760
    assert broken.mean() == pytest.approx(1 - math.exp(-falls_per_path), abs=0.025)
    falling = np.log(prices[-1, broken, 0] / 2_000).mean()
    assert falling < np.log(prices[-1, ~broken, 0] / 2_000).mean() - 0.05


def put(prices: np.ndarray) -> np.ndarray:
    """Payoff of a put struck at the start, per path."""
    return np.maximum(2_000.0 - prices[-1, :, 0], 0.0)


def black_put(deviation: float) -> float:
    """E max(S - S exp(X), 0) with X normal around 0, in closed form."""
    from scipy.stats import norm

    return float(2_000.0 * (0.5 - math.exp(deviation**2 / 2) * norm.cdf(-deviation)))


def test_antithetic_pairs_estimate_the_same_with_less_variance() -> None:
    """A put's payoff is monotone in every shock: opposite paths can only help."""
    deviation = DEVIATION * 24**0.5
    plain = put(draw(ONE, paths=40_000, steps=24, seed=3))
    pairs = (
        put(draw(replace(ONE, antithetic=True), paths=40_000, steps=24, seed=3)).reshape(-1, 2).mean(axis=1)
    )
    for sample in (plain, pairs):
        assert abs(sample.mean() - black_put(deviation)) < 3.5 * sample.std() / len(sample) ** 0.5
    assert (plain.var() / len(plain)) / (pairs.var() / len(pairs)) > 1.6


def test_antithetic_pairs_have_opposite_returns() -> None:
    logs = np.log(draw(replace(ONE, antithetic=True), paths=100, steps=5, seed=3) / 2_000)[..., 0]
    assert np.allclose(logs[:, 0::2], -logs[:, 1::2], rtol=0, atol=1e-12)


def test_common_random_numbers_sharpen_a_difference() -> None:
    """The same seed draws the same innovations: the effect of 2 % more volatility in closed form."""
    wilder = replace(ONE, process=GarchProcess((replace(FLAT, omega=(1.02 * DEVIATION) ** 2),)))
    base = put(draw(ONE, paths=20_000, steps=24, seed=3))
    common = put(draw(wilder, paths=20_000, steps=24, seed=3)) - base
    apart = put(draw(wilder, paths=20_000, steps=24, seed=4)) - base
    effect = black_put(1.02 * DEVIATION * 24**0.5) - black_put(DEVIATION * 24**0.5)
    assert common.mean() == pytest.approx(effect, abs=3.5 * common.std() / 20_000**0.5)
    assert apart.var() / common.var() > 1_000


def test_common_random_numbers_hold_across_every_part_of_a_model() -> None:
    """Another degree of freedom, intensity or depth moves a path; it does not swap it for another."""
    other = replace(
        FULL,
        process=GarchProcess((replace(ETHER, degrees=6.0), replace(ETHER, degrees=None))),
        dependence=Copula(((1.0, 0.75), (0.75, 1.0)), 4.5),
    )
    ours, theirs = (np.log(draw(model, paths=2_000, steps=24, seed=9)[-1]) for model in (FULL, other))
    for asset in range(2):
        assert np.corrcoef(ours[:, asset], theirs[:, asset])[0, 1] > 0.97


def test_the_canonical_form_names_every_part_and_holds_no_float() -> None:
    form = canonical(FULL)
    assert form["model"]["kind"] == "PathModel" and form["model"]["process"]["kind"] == "GarchProcess"
    assert form["model"]["start_prices"][0] == (2_000.0).hex()
    assert len({model_hash(model) for model in EVERY.values()}) == len(EVERY)
    assert (
        model_hash(FULL) == model_hash(replace(FULL)) == model_hash(replace(FULL, start_prices=(2000, 60000)))
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, step_seconds=300),
        replace(FULL, antithetic=True),
        replace(FULL, pegged=(STABLE,)),
        replace(FULL, pegged=(STABLE, replace(STAKED, start_gap=-1e-9))),
        replace(FULL, jumps=None, pegged=()),
    ],
)
def test_any_change_is_another_hash(other: PathModel) -> None:
    assert model_hash(other) != model_hash(FULL)


def test_one_past_value_is_another_hash() -> None:
    moved = PAST.copy()
    moved[3, 1] = np.nextafter(moved[3, 1], 1)
    assert model_hash(OF_THE_PAST) != model_hash(replace(OF_THE_PAST, process=BlockBootstrap(moved, 6.0)))


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"assets": ()}, "assets were"),
        ({"assets": ("WETH", "WETH")}, "assets were"),
        ({"assets": ("WETH", "USDX")}, "assets were"),
        ({"start_prices": (2_000.0,)}, "2 assets had 1 start prices"),
        ({"start_prices": (2_000.0, -1.0)}, "start price of WBTC was -1.0"),
        ({"start_prices": (math.nan, 1.0)}, "start price of WETH was nan"),
        ({"start_prices": (0.0, 1.0)}, "start price of WETH was 0.0"),
        ({"start_prices": (math.inf, 1.0)}, "start price of WETH was inf"),
        ({"step_seconds": 0}, "step_seconds was 0"),
        ({"process": GarchProcess((FLAT,))}, "process was for 1 assets"),
        ({"dependence": OneFactor((0.5,))}, "dependence was for 1 assets"),
        ({"jumps": Jumps((None,))}, "jumps was for 1 assets"),
        ({"pegged": (replace(STAKED, anchor="DOGE"),)}, "stETH was anchored to DOGE"),
        ({"jumps": None}, "the model has none"),
        ({"process": BlockBootstrap(PAST, 2.0)}, "dependence was laid over"),
        ({"process": BlockBootstrap(PAST, 2.0), "dependence": None, "antithetic": True}, "antithetic paths"),
    ],
)
def test_models_that_do_not_fit_together_are_refused(changed: dict[str, object], found: str) -> None:
    with pytest.raises(SimulationError, match=found) as refused:
        replace(FULL, **changed)
    assert refused.value.allowed


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ({"paths": 0}, "0 paths of 5 steps"),
        ({"steps": 0}, "10 paths of 0 steps"),
        ({"seed": -1}, "seed was -1"),
        ({"first_path": -1}, "asked for"),
        ({"paths": 2**33}, "asked for"),
        ({"threads": 0}, "threads were 0"),
    ],
)
@pytest.mark.parametrize("function", [draw, chunks])
def test_requests_that_cannot_be_met_are_refused(
    function: Callable[..., Iterable[object]], request_: dict[str, int], found: str
) -> None:
    with pytest.raises(SimulationError, match=found):
        list(function(ONE, **{"paths": 10, "steps": 5, "seed": 1, **request_}))


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ({"memory_budget_bytes": 10 * 5 * 8 - 1}, "take 400 bytes"),
        ({"paths": 2**31, "steps": 2**20}, "take 18014398509481984 bytes"),
    ],
)
def test_more_memory_than_there_is_is_refused(request_: dict[str, int], found: str) -> None:
    with pytest.raises(SimulationError, match=found) as refused:
        draw(ONE, **{"paths": 10, "steps": 5, "seed": 1, **request_})
    assert refused.value.hint == "draw them in chunks"


def test_a_budget_that_is_just_enough_is_enough() -> None:
    assert draw(ONE, paths=10, steps=5, seed=1, memory_budget_bytes=400).shape == (5, 10, 1)
    assert machine_bytes() > 2**28


def test_a_chunk_budget_without_room_for_a_path_or_pair_is_refused() -> None:
    with pytest.raises(SimulationError, match="holds no path") as refused:
        chunks(ONE, paths=10, steps=5, seed=1, memory_budget_bytes=39)
    assert refused.value.allowed.startswith("40 bytes")
    with pytest.raises(SimulationError, match="holds no path"):
        chunks(replace(ONE, antithetic=True), paths=10, steps=5, seed=1, memory_budget_bytes=79)


@pytest.mark.parametrize("numbers", [{"paths": 9}, {"paths": 10, "first_path": 3}])
def test_half_a_pair_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(SimulationError, match="antithetic"):
        draw(replace(ONE, antithetic=True), steps=5, seed=1, **numbers)


def test_prices_beyond_a_float_are_refused_and_not_returned() -> None:
    mad = replace(ONE, process=GarchProcess((replace(FLAT, mu=100.0),)))
    assert np.isfinite(draw(mad, paths=4, steps=6, seed=1)).all()
    for threads in (1, 2):
        with pytest.raises(SimulationError, match="left what a float64 holds"):
            draw(mad, paths=4, steps=10, seed=1, threads=threads)
