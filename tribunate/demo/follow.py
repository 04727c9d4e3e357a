"""Follow one proposal through window, timelock and execution, or to its veto, on the chain's clock."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.errors import ChainError, GovernanceError
from core.proposal import ProposalState
from governance.proposals import Proposals
from tribunate.demo.display import Display, short
from tribunate.demo.processes import child_environment
from tribunate.demo.stage import Stage

if TYPE_CHECKING:
    from tribunate.demo.show import EpochLog

OUTCOMES = {
    ProposalState.EXECUTED: "executed",
    ProposalState.DEFEATED: "vetoed",
    ProposalState.CANCELED: "cancelled",
    ProposalState.EXPIRED: "expired",
}
OPEN = {ProposalState.PENDING, ProposalState.ACTIVE}
STEP_SECONDS = 12 * 3600
KEEPER_WALL_SECONDS = 90
VETO_WALL_SECONDS = 120


class Follower:
    """Moves the clock and looks; the agents' keepers do what is to be done."""

    def __init__(
        self,
        stage: Stage,
        proposals: Proposals,
        display: Display,
        pump: Callable[[float], bool],
        log: EpochLog,
    ) -> None:
        self._stage = stage
        self._proposals = proposals
        self._display = display
        self._pump = pump
        self._log = log

    def follow(self, number: int, *, veto: bool) -> dict[str, Any]:
        """Return outcome, lane, ids, signers and transactions of proposal ``number`` once it has ended."""
        view = self._proposals.show(number)
        moves = "   ".join(f"{m.scalar} {m.before} → {m.after}" for m in view.moves)
        self._display.step(5, f"Proposal {number}", f"{short(hex(view.governor_id))}  SLOW lane   {moves}")
        vetoed = self._window(number, veto=veto)
        if not vetoed:
            self._through_timelock(number)
        view = self._proposals.show(number)
        names = {wallet: name for name, wallet in self._stage.wallets.items()}
        outcome = OUTCOMES.get(view.state)
        if outcome is None:
            raise GovernanceError(f"proposal {number} is still {view.state}", allowed="an end")
        return {
            "outcome": outcome,
            "lane": "SLOW",
            "proposal_id": number,
            "governor_id": str(view.governor_id),
            "signers": sorted(names.get(wallet, wallet) for wallet in view.signers),
            "transactions": list(view.transactions.values()),
        }

    def _window(self, number: int, *, veto: bool) -> bool:
        """Walk through the veto window; return whether it ended in a veto."""
        asked = False
        while (state := self._proposals.state(number)) in OPEN:
            view = self._proposals.show(number)
            now = self._stage.world.now()
            self._display.window(
                passed=now - view.created,
                length=view.window_end - view.created,
                against=view.votes_against,
                threshold=view.veto_threshold or 0,
            )
            if state is ProposalState.ACTIVE and veto and not asked:
                asked = True
                self._veto(number)
                continue
            self._stage.world.advance_to(min(now + STEP_SECONDS, view.window_end + 1))
            self._pump(0.05)
        return state is ProposalState.DEFEATED

    def _veto(self, number: int) -> None:
        """Let a token holder veto, in a process of its own."""
        folder = self._stage.folder
        command = [sys.executable, "-m", "tribunate", "proposal", "veto", str(number)]
        command += ["--run", str(folder.path), "--rpc", self._stage.client.rpc_url, "--yes"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=VETO_WALL_SECONDS,
            env=child_environment(),
            check=False,
        )
        if done.returncode != 0:
            raise ChainError(f"the veto process ended with {done.returncode}: {done.stderr.strip()[:300]}")
        for line in done.stdout.strip().splitlines():
            self._display.detail(line)

    def _through_timelock(self, number: int) -> None:
        """Wait for the keepers to queue and to execute; refused executions are tried until grace ends."""
        self._wait_for(number, {ProposalState.SUCCEEDED})
        view = self._proposals.show(number)
        if view.eta is None or view.grace_end is None:
            return
        self._display.step(
            6, "Timelock", f"queued, executable after {(view.eta - view.window_end) // 3600} h"
        )
        self._stage.world.advance_to(view.eta)
        while self._proposals.state(number) is ProposalState.QUEUED:
            if self._wait_for(number, {ProposalState.QUEUED}, seconds=10):
                return
            later = min(self._stage.world.now() + STEP_SECONDS, view.grace_end + 1)
            self._stage.world.advance_to(later)

    def _wait_for(
        self, number: int, left: set[ProposalState], *, seconds: float = KEEPER_WALL_SECONDS
    ) -> bool:
        """Wait until the proposal has left these states; slow time passes, so that keepers get their turn."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._proposals.state(number) not in left:
                return True
            self._pump(0.3)
            self._stage.world.advance_to(self._stage.world.now() + 30)
        return False
