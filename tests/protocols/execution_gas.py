"""What an execution into Aave V3 costs: a script for benchmarks, and no test.

python -m tests.protocols.execution_gas
"""

from __future__ import annotations

from dataclasses import dataclass

from core.position import Position
from governance.devchain.chain import Genesis
from governance.devchain.local import LocalChain
from governance.rehearsal import DAY, ETHER, GENESIS_TIME, known_key
from governance.signing import LocalSigner
from tests.protocols.aave import USDC_ONE, WETH_ONE, AaveMarket, borrow, open_positions, supply
from tests.protocols.aave_v36 import deploy_aave_v36
from tests.protocols.aave_v302 import deploy_aave_v302
from tests.protocols.governed_aave import GovernedAave, govern_aave
from tests.protocols.stage import rewound

FUNDER = known_key("protocol funder")
DEPLOYERS = {"3.0.2": deploy_aave_v302, "3.6.0": deploy_aave_v36}
LARGEST_SAMPLE = 64


@dataclass(frozen=True, slots=True)
class ExecutionGas:
    """Gas used by ``execute`` of one threshold change, and by each position that was sampled.

    A market's first change opens storage that later ones only extend.
    """

    version: str
    without_sample: int
    without_sample_later: int
    per_position: int
    with_largest_sample: int


def measure_execution(version: str, *, positions: int = LARGEST_SAMPLE) -> ExecutionGas:
    """Deploy one version of Aave and a DAO, and execute with and without ``positions`` in the sample."""
    balances = {bytes.fromhex(FUNDER.address[2:]): 10**6 * ETHER}
    with LocalChain(Genesis(GENESIS_TIME, balances)) as chain:
        market = DEPLOYERS[version](chain.url, FUNDER)
        open_positions(market)
        rows = [open_position(market, number) for number in range(positions)]
        governed = govern_aave(market, FUNDER)
        with rewound(market.client):
            first = execute(governed, 83_00, epoch=1)
            market.client.advance(3 * DAY)
            later = execute(governed, 83_40, epoch=2)
        sampled = execute(governed, 83_00, epoch=1, positions_root=governed.dao.name(rows))
    return ExecutionGas(version, first, later, (sampled - first) // positions, sampled)


def open_position(market: AaveMarket, number: int) -> Position:
    """Let one more borrower take 1 000 USDC against one WETH."""
    borrower: LocalSigner = known_key(f"sampled borrower {number}")
    market.client.pay(FUNDER, borrower.address, ETHER)
    supply(market, borrower, market.weth, amount=WETH_ONE)
    borrow(market, borrower, amount=1_000 * USDC_ONE)
    return Position(borrower.address, WETH_ONE, 1_000 * USDC_ONE)


def execute(
    governed: GovernedAave, threshold_bps: int, *, epoch: int, positions_root: bytes = bytes(32)
) -> int:
    """Carry out a higher threshold, which moves the LTV too; return the gas of its execution."""
    update = governed.dao.update(governed.weth, threshold_bps, epoch=epoch, positions_root=positions_root)
    return int(governed.dao.carry_out(update)["gasUsed"])


if __name__ == "__main__":
    for name in DEPLOYERS:
        print(measure_execution(name))
