"""``proposal verify`` and ``cut verify``: make the evidence behind an update again, part by part.

    chain ─► update ──── evidence root, transcript root
    events ─► signatures, certified set, candidate, transcript root          EXACT
    chain at the announced block ─► snapshot, positions root                 EXACT
    agents/NAME/epoch-N ─► bundle root, then every part of the bundle        EXACT and TOLERANT

Nothing is taken from what the proposers say of themselves but what their signatures cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.plugins import load_strategy
from core.errors import ConfigError, TribunateError
from core.evidence import PartKind, bundle_root, evidence_root, merkle_root, sha256
from core.messages import Phase, message_from_dict
from core.negotiation import set_hash
from core.update import ParameterUpdate
from governance.cuts import Cuts
from governance.proposals import Proposals
from governance.signing import keccak
from simulations.rerun import PartCheck, bundle_parts, rerun
from tribunate.dao import Dao
from tribunate.events import Event, read_events, recompute_epoch
from tribunate.evidence import EXPLANATION
from tribunate.run_folder import RunFolder, plain_address


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one named part holds; ``owner`` is an agent's name, or ``chain`` or ``negotiation``."""

    owner: str
    check: PartCheck


@dataclass(frozen=True, slots=True)
class Verification:
    """What was made again, and what differs."""

    kind: str
    number: int
    epoch: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every part holds."""
        return all(finding.check.agrees for finding in self.findings)

    def record(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        parts = [
            {
                "owner": f.owner,
                "part": f.check.name,
                "kind": f.check.kind.value,
                "holds": f.check.agrees,
                "detail": f.check.detail,
            }
            for f in self.findings
        ]
        return {self.kind: self.number, "epoch": self.epoch, "holds": self.holds, "parts": parts}


def verify_proposal(dao: Dao, number: int, folder: RunFolder | None) -> Verification:
    """Return the verification of proposal ``number`` from the run's own files.

    Raises:
        ConfigError: no run folder, so no evidence to look at.
        GovernanceError: there is no such proposal.
    """
    update = Proposals(dao.client, dao.deployment).update(number)
    return Verification("proposal", number, update.epoch, _verify(dao, update, folder))


def verify_cut(dao: Dao, number: int, folder: RunFolder | None) -> Verification:
    """Return the verification of cut ``number`` from the run's own files.

    Raises:
        ConfigError: no run folder, so no evidence to look at.
        GovernanceError: there is no such cut.
    """
    update = Cuts(dao.client, dao.deployment).show(number).update
    return Verification("cut", number, update.epoch, _verify(dao, update, folder))


def _verify(dao: Dao, update: ParameterUpdate, folder: RunFolder | None) -> tuple[Finding, ...]:
    if folder is None:
        raise ConfigError("verify needs the evidence of a run", hint="pass --run DIR beside --rpc")
    events = [e for e in read_events(folder.events) if e.message.epoch == update.epoch]
    reveals, negotiated = _negotiation(events, update)
    found = [Finding("negotiation", check) for check in negotiated]
    found += [Finding("chain", check) for check in _chain(dao, events, update)]
    names = folder.agent_names()
    for agent_id, body in sorted(reveals.items()):
        wallet = plain_address(dao.directory.entry(agent_id).wallet)
        home = names.get(wallet, f"agent-{agent_id}")
        checks = _bundle(folder.agent(home) / f"epoch-{update.epoch}", body)
        found += [Finding(home, check) for check in checks]
    return tuple(found)


def _exact(name: str, agrees: bool, detail: str) -> PartCheck:
    return PartCheck(name, PartKind.EXACT, agrees, "" if agrees else detail)


def _negotiation(
    events: list[Event], update: ParameterUpdate
) -> tuple[dict[int, dict[str, Any]], list[PartCheck]]:
    """Return the certified reveals, and whether candidate and roots follow from the messages."""
    try:
        again = recompute_epoch(events, update.epoch)
    except TribunateError as error:
        return {}, [_exact("messages", False, error.found)]
    messages = {m.digest: m for m in (e.message for e in events)}.values()
    announce = next(m for m in messages if m.phase is Phase.ANNOUNCE)
    scalar = announce.body()["scalar"]
    proposed = update.proposed.as_dict()[scalar]
    checks = [
        _exact("candidate", again.value == proposed, f"messages give {again.value}, proposed {proposed}"),
        _exact("attempt", again.attempt == update.attempt, f"messages give attempt {again.attempt}"),
        _exact("models", again.models == update.models, "other models than those of the certified bounds"),
    ]
    members = [_members(list(messages), round_) for round_ in (0, 1)]
    digests = [announce.digest, *(m.digest for group in members for m in group)]
    transcript = merkle_root(digests, keccak)
    reveals = {m.agent_id: m.body() for m in members[0] if m.phase is Phase.REVEAL}
    roots = [bytes.fromhex(body["bundle_root"]) for body in reveals.values()]
    evidence = evidence_root(roots, transcript, keccak)
    checks.append(_exact("transcript root", transcript == update.transcript_root, "another transcript"))
    checks.append(_exact("evidence root", evidence == update.evidence_root, "other bundles"))
    return reveals, checks


def _members(messages: list[Any], round_: int) -> list[Any]:
    """Return the messages inside the certificate that most seats endorsed in ``round_``."""
    votes = [m.body().get("set") for m in messages if m.phase is Phase.ENDORSE and m.round == round_]
    wanted = Phase.REVEAL if round_ == 0 else Phase.COUNTER
    best: tuple[int, list[Any]] = (0, [])
    for certificate in (m for m in messages if m.phase is Phase.CERTIFICATE and m.round == round_):
        inner = [message_from_dict(entry) for entry in certificate.body()["members"]]
        name = set_hash({m.agent_id: m for m in inner if m.phase is wanted}).hex()
        best = max(best, (votes.count(name), inner), key=lambda pair: pair[0])
    return best[1]


def _chain(dao: Dao, events: list[Event], update: ParameterUpdate) -> list[PartCheck]:
    """Check the signed snapshot and the announced facts against the chain at the announced block."""
    bodies = [e.message.body() for e in events if e.message.phase is Phase.ANNOUNCE]
    if not bodies:
        return [_exact("snapshot", False, "no announce")]
    announced = bodies[0]
    snapshot = dao.reader.market_snapshot(int(announced["block"]))
    seen = update.snapshot
    same = (
        snapshot.oracle_price == seen.oracle_price
        and snapshot.utilisation_bps == seen.utilisation_bps
        and snapshot.total_borrow == seen.total_borrow
        and snapshot.timestamp == seen.data_time
        and snapshot.positions_root == update.positions_root
    )
    current = snapshot.parameters == update.expected
    called = [_call(dao, announced["call"])] if "call" in announced else []
    return [
        *called,
        _exact("snapshot", same, f"block {announced['block']} says otherwise"),
        _exact("expected values", current, "other values were live at the announced block"),
        _exact("mandate", announced["mandate_hash"] == dao.reader.mandate_hash().hex(), "another mandate"),
    ]


def _call(dao: Dao, call: dict[str, Any]) -> PartCheck:
    """Check what the caller said of the chain; that a seat signed it, the messages themselves show."""
    facts = message_from_dict(call).body()
    seen = dao.reader.market_snapshot(int(facts["block"]))
    same = (seen.timestamp, seen.oracle_price) == (facts["timestamp"], facts["oracle_price"])
    return _exact("call", same, f"block {facts['block']} says {seen.oracle_price}")


def _bundle(path: Path, reveal: dict[str, Any]) -> list[PartCheck]:
    """Return the checks of one agent's bundle: its root, then each part made again."""
    try:
        root = bundle_root(bundle_parts(path), keccak).hex()
        checks = [_exact("bundle root", root == reveal["bundle_root"], "not what was revealed")]
        words = (path / EXPLANATION).read_bytes() if (path / EXPLANATION).is_file() else b""
        told = sha256(words).hex() == reveal.get("explanation")
        checks.append(PartCheck("explanation", PartKind.RENDERED, told, "" if told else "other words"))
        return checks + list(rerun(path, load_strategy))
    except TribunateError as error:
        return [_exact("bundle", False, error.found)]


def verification_text(found: Verification) -> str:
    """Return what people see."""
    lines = [f"{found.kind.capitalize()} {found.number} (epoch {found.epoch})"]
    for finding in found.findings:
        check = finding.check
        mark = "ok" if check.agrees else "DIFFERS"
        lines.append(
            f"  {mark:<8} {finding.owner:<16} {check.name:<16} {check.kind:<9} {check.detail}".rstrip()
        )
    exact = sum(f.check.kind is PartKind.EXACT and f.check.agrees for f in found.findings)
    tolerant = sum(f.check.kind is PartKind.TOLERANT and f.check.agrees for f in found.findings)
    bad = [f"{f.owner}: {f.check.name}" for f in found.findings if not f.check.agrees]
    lines.append(f"{exact} exact parts equal, {tolerant} tolerant within bounds, {len(bad)} differ")
    if bad:
        lines.append("Differs: " + "; ".join(bad))
    return "\n".join(lines)
