"""Ramps that proposals have armed: how far they are, and when the next step may be taken."""

from __future__ import annotations

from typing import Any

from web3.contract.contract import Contract

from core.ramp import RAMP_LAPSE_SECONDS, RAMP_STEP_SECONDS
from core.update import ParameterUpdate
from governance.client import ChainClient, transaction_hash
from governance.deployment import Deployment
from governance.proposal_view import RampStep, RampView


def read_ramp(
    client: ChainClient, adapter: Contract, deployment: Deployment, update: ParameterUpdate
) -> RampView:
    """Return the ramp of an executed RAMP update, from the adapter's events and its state."""
    steps = _steps(client, adapter, deployment, update)
    armed_at = client.timestamp(_armed_block(adapter, deployment, update))
    first, target = update.expected.liquidation_threshold_bps, update.proposed.liquidation_threshold_bps
    current = steps[-1].value_bps if steps else int(first)
    lapses_at = armed_at + RAMP_LAPSE_SECONDS
    stopped = bool(_of_epoch(adapter, deployment, update, event="RampStopped"))
    ended = stopped or current == target or client.timestamp() > lapses_at
    waits_until = steps[-1].time + RAMP_STEP_SECONDS if steps else armed_at
    return RampView(
        market=update.market,
        first_bps=int(first),
        target_bps=int(target),
        current_bps=current,
        armed_at=armed_at,
        next_step_at=None if ended or waits_until > lapses_at else waits_until,
        lapses_at=lapses_at,
        stopped=stopped,
        steps=steps,
    )


def _armed_block(adapter: Contract, deployment: Deployment, update: ParameterUpdate) -> int:
    return int(_of_epoch(adapter, deployment, update, event="RampArmed")[0]["blockNumber"])


def _steps(
    client: ChainClient, adapter: Contract, deployment: Deployment, update: ParameterUpdate
) -> tuple[RampStep, ...]:
    return tuple(
        RampStep(
            time=client.timestamp(log["blockNumber"]),
            value_bps=int(log["args"]["to"]),
            transaction=transaction_hash(log),
        )
        for log in _of_epoch(adapter, deployment, update, event="RampStepped")
    )


def _of_epoch(adapter: Contract, deployment: Deployment, update: ParameterUpdate, *, event: str) -> list[Any]:
    filters = {"market": update.market, "epoch": update.epoch}
    return list(adapter.events[event]().get_logs(from_block=deployment.block, argument_filters=filters))
