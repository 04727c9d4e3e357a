"""A DAO from a file: what stands equals it, nothing is sent twice, and each difference is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.artifacts import load_artifact
from core.errors import ConfigError, GovernanceError
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.founding.check import check_deployment
from governance.founding.comparison import differences
from governance.founding.deployed_code import runs_the_code
from governance.founding.from_plan import draft
from governance.keys import FAST, make_keystore
from governance.rehearsal import ETHER, GENESIS_TIME, known_key
from tests.chains import open_chain
from tests.governance.file_deployment import (
    LOCAL,
    Cut,
    FailingClient,
    FileDeployment,
    keep_key,
    public_account,
)
from tribunate.cli import run
from tribunate.dao_deploy import carry_out, draft_text
from tribunate.dao_plan import read_plan

DEPLOYER = known_key("deployer")


def genesis() -> Genesis:
    return Genesis(GENESIS_TIME, {bytes.fromhex(DEPLOYER.address[2:]): 10**6 * ETHER})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileDeployment]:
    """The file as it is in the repository, all the way."""
    folder = tmp_path_factory.mktemp("dao")
    with open_chain(genesis()) as chain:
        made = FileDeployment(ChainClient(chain.url), folder, folder / "dao.toml")
        made.file.write_text(LOCAL.read_text())
        made.finish()
        yield made


@pytest.fixture
def standing(finished: FileDeployment, tmp_path: Path) -> Iterator[FileDeployment]:
    """The same, with a copy of the file to change; what happens on chain is undone."""
    copy = FileDeployment(finished.client, finished.folder, tmp_path / "dao.toml")
    copy.file.write_text(LOCAL.read_text())
    snapshot = finished.client.request("evm_snapshot")
    yield copy
    finished.client.request("evm_revert", snapshot)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[FileDeployment]:
    """A chain on which nothing stands."""
    with open_chain(genesis()) as chain:
        made = FileDeployment(ChainClient(chain.url), tmp_path, tmp_path / "dao.toml")
        made.file.write_text(LOCAL.read_text())
        yield made


def wrong(made: FileDeployment) -> list[str]:
    lines = check_deployment(made.client, made.deployment, read_plan(made.file))
    return [line.what for line in differences(lines)]


# ---- what stands equals the file


def test_what_stands_equals_the_file(finished: FileDeployment) -> None:
    lines = check_deployment(finished.client, finished.deployment, read_plan(finished.file))
    assert len(lines) > 120
    assert differences(lines) == ()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            'guardian = "0x976EA',
            'guardian = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"   # was 0x976EA',
            "guardian",
        ),
        ("threshold_bps = 50 ", "threshold_bps = 51 ", "vetoThresholdBps"),
        ("treasuries = []", 'treasuries = ["0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"]', "treasuries"),
        (
            '# delegate = "0x..."',
            'delegate = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"',
            "limits.delegate",
        ),
        ('proposal_votes = "10000000', 'proposal_votes = "20000000', "proposalThreshold"),
        ("quorum_percent = 4", "quorum_percent = 5", "quorumNumerator"),
        ('challenge = "1000000000"', 'challenge = "1000000001"', "challengeBond"),
        ('score = "1000000000"', 'score = "1000000001"', "scores.bond"),
        ("horizon_hours = 24", "horizon_hours = 25", "mandate's hash"),
        ("spread_limit_bps = 1_500", "spread_limit_bps = 1_501", "spreadLimitBps"),
        ("close_factor_bps = 5_000", "close_factor_bps = 5_001", "closeFactorBps"),
        ("ltv_bps = 7_000", "ltv_bps = 6_999", "market ltv_bps"),
        (
            "no assets are named\nmargin_bps = 500",
            "no assets are named\nmargin_bps = 501",
            "margin_bps",
        ),
        (
            "newly_liquidatable_bps = 50       # largest",
            "newly_liquidatable_bps = 51 # largest",
            "newly_liquidatable_bps",
        ),
        ('ceiling = "8500"', 'ceiling = "8501"', "ltv_bps.ceiling"),
        ('ceiling = "8500"', 'ceiling = "8500"\nstep_up = 49', "ltv_bps.step_up"),
        ('ceiling = "8500"', 'ceiling = "8500"\nenabled = false', "ltv_bps.enabled"),
        ('operator = "west"', 'operator = "best"', "seat of agent 4"),
        ('family = "formula"', 'family = "neural"', "seat of agent 3"),
        ("agent_id = 4", "agent_id = 5", "seat of agent 5"),
        ("chain_id = 31337", "chain_id = 1    ", "chain_id"),
    ],
)
def test_a_changed_key_is_named(standing: FileDeployment, old: str, new: str, named: str) -> None:
    standing.change(old, new)
    assert any(named in what for what in wrong(standing))


def test_only_what_was_changed_is_named(standing: FileDeployment) -> None:
    standing.change(
        "    price_fall_bps = 1_000\n    utilisation_rise_bps = 1_000\n    supply_rise_bps = 3_000\n"
        "    borrow_rise_bps = 3_000\n\n    # Limits",
        "    price_fall_bps = 999\n    utilisation_rise_bps = 998\n    supply_rise_bps = 2_997\n"
        "    borrow_rise_bps = 2_996\n\n    # Limits",
    )
    market = standing.deployment.market
    names = ("price_fall_bps", "utilisation_rise_bps", "supply_rise_bps", "borrow_rise_bps")
    assert wrong(standing) == [f"{name} of {market}" for name in names]


def test_an_agent_that_the_guardian_has_disabled_is_named(standing: FileDeployment) -> None:
    guardian, seats = public_account(6), standing.deployment.addresses["seats"]
    standing.client.pay(DEPLOYER, guardian.address, ETHER)
    registry = standing.client.contract("SeatRegistry", seats)
    standing.client.send(guardian, registry.functions.disable(4))
    assert wrong(standing) == ["agent 4 has a voice"]


def test_another_contract_in_a_role_is_named(standing: FileDeployment) -> None:
    record = json.loads(standing.out.read_text())
    record["addresses"]["limits"] = record["addresses"]["sample"]
    other = standing.file.with_name("deployment.json")
    other.write_text(json.dumps(record))
    moved = FileDeployment(standing.client, other.parent, standing.file)
    assert wrong(moved) == ["code of limits"]


def test_a_record_that_would_hide_grants_of_roles_is_named(standing: FileDeployment) -> None:
    record = json.loads(standing.out.read_text())
    other = standing.file.with_name("deployment.json")
    other.write_text(json.dumps({**record, "block": standing.client.block_number()}))
    assert "the record's block is before the timelock's creation" in wrong(
        FileDeployment(standing.client, other.parent, standing.file)
    )


def test_code_that_differs_in_one_byte_is_not_ours(finished: FileDeployment) -> None:
    creation = load_artifact("ParameterGovernor").bytecode
    code = finished.client.request("eth_getCode", finished.deployment.addresses["governor"], "latest")
    runtime = bytes.fromhex(code[2:])
    assert runs_the_code(creation, runtime)
    zero = runtime.index(bytes([0x60, 0, 0])) + 1 if bytes([0x60, 0, 0]) in runtime else runtime.index(0)
    for place in (0, zero, len(runtime) // 2, len(runtime) - 1):
        changed = bytearray(runtime)
        changed[place] ^= 1
        assert not runs_the_code(creation, bytes(changed))
    assert not runs_the_code(creation, b"")
    assert not runs_the_code(creation, runtime + b"\0")


def test_an_unsealed_dao_is_named(empty: FileDeployment) -> None:
    with pytest.raises(GovernanceError, match="agent 1 is not registered"):
        carry_out(empty.order())
    found = wrong(empty)
    assert {"gate.owner", "adapter.owner", "timelock DEFAULT_ADMIN_ROLE", "seat of agent 1"} <= set(found)


# ---- a dry run


def test_a_dry_run_sends_nothing(empty: FileDeployment) -> None:
    text = draft_text(empty.order())
    assert empty.client.block_number() == 0
    assert empty.client.next_nonce(DEPLOYER.address) == 0
    assert list(empty.folder.iterdir()) == [empty.file]
    assert "001 deploy DemoToken as collateral_token" in text
    assert text.index("as timelock") < text.index("as governor ") < text.index("timelock.renounceRole")


def test_a_dry_run_bounds_the_gas_and_foretells_the_addresses(empty: FileDeployment) -> None:
    site = draft(empty.client, DEPLOYER.address, empty.order().plan, journal=None)
    empty.finish()
    journal = empty.order().journal()
    done = draft(empty.client, DEPLOYER.address, empty.order().plan, journal=journal)
    journal.close()
    used = {}
    for step in done.steps:
        assert step.sent is not None
        receipt = empty.client.receipt(step.sent)
        assert receipt is not None
        used[step.purpose] = receipt["gasUsed"]
    over = [
        (step.purpose, step.gas, used[step.purpose]) for step in site.steps if step.gas < used[step.purpose]
    ]
    assert over == []
    assert 10 * sum(step.gas for step in site.steps) < 15 * sum(used.values())
    # payments to the agents come between, so that only the steps before them have the nonces foretold
    for role in ("timelock", "gate", "scores"):
        assert site.addresses[role] == empty.deployment.addresses[role]


# ---- a run that was cut


@pytest.mark.parametrize(
    ("after", "was_sent"), [(1, True), (2, False)], ids=["after sending", "before sending"]
)
def test_a_run_that_is_cut_at_every_transaction_is_completed(
    empty: FileDeployment, after: int, was_sent: bool
) -> None:
    runs = cut_until_it_stands(empty, after=after, was_sent=was_sent)
    empty.register()
    runs += cut_until_it_stands(empty, after=after, was_sent=was_sent)

    assert "sealed" in carry_out(empty.order())
    assert wrong(empty) == []
    steps = draft(empty.client, DEPLOYER.address, empty.order().plan, journal=None).steps
    payments = 4
    assert empty.client.next_nonce(DEPLOYER.address) == len(steps) + payments
    # the last run before the agents register, and the last of all, are not cut
    assert runs >= len(steps) - 2


def cut_until_it_stands(made: FileDeployment, *, after: int, was_sent: bool) -> int:
    """Run until a run is not cut: each sends one transaction more."""
    for runs in range(200):
        failing = FailingClient(made.client.rpc_url, after=after, sent=was_sent)
        try:
            carry_out(made.order(failing))
        except Cut:
            continue
        except GovernanceError as error:
            assert "agent 1 is not registered" in error.found
        return runs
    raise AssertionError("it never ends")


def test_a_process_that_is_killed_is_completed_by_the_next(empty: FileDeployment) -> None:
    key = empty.folder / "deployer.json"
    keep_key(key, DEPLOYER)
    command = [sys.executable, "-m", "tribunate", "dao", "deploy", str(empty.file)]
    command += ["--rpc", empty.client.rpc_url, "--key", str(key), "--out", str(empty.out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while empty.client.next_nonce(DEPLOYER.address) < 20:
            assert process.poll() is None
        process.kill()
    assert not empty.out.exists()

    empty.finish()

    assert wrong(empty) == []
    steps = draft(empty.client, DEPLOYER.address, empty.order().plan, journal=None).steps
    payments = 4
    assert empty.client.next_nonce(DEPLOYER.address) == len(steps) + payments


def test_running_again_sends_nothing(standing: FileDeployment) -> None:
    before = standing.client.next_nonce(DEPLOYER.address)
    assert "sealed" in carry_out(standing.order())
    assert standing.client.next_nonce(DEPLOYER.address) == before


def test_a_file_changed_on_the_way_is_refused(empty: FileDeployment) -> None:
    with pytest.raises(GovernanceError, match="agent 1 is not registered"):
        carry_out(empty.order())
    empty.change("quorum_percent = 4", "quorum_percent = 5")
    with pytest.raises(ConfigError, match="journal of another file"):
        carry_out(empty.order())


def test_an_identity_of_another_wallet_is_not_seated(empty: FileDeployment) -> None:
    empty.change(
        'wallet = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"', f'wallet = "{public_account(9).address}"'
    )
    with pytest.raises(GovernanceError, match=r"agent 2 is not registered at .* with wallet"):
        empty.finish()


# ---- files that are refused


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timelock_delay_seconds = 86_400", "timelock_delay_seconds = 86_399", "allowed: 86400, 24 hours"),
        ("threshold_bps = 50 ", "threshold_bps = 0 ", "veto.threshold_bps was 0"),
        ("threshold_bps = 50 ", "threshold_bps = 1001 ", "veto.threshold_bps was 1001"),
        ("quorum_percent = 4", "quorum_percnt = 4", "did you mean 'quorum_percent'?"),
        ("quorum_percent = 4", 'quorum_percent = "4"', "holder_vote.quorum_percent was '4'"),
        (
            '0x976EA74026E726554dB657fA54763abd0C3a0aa9"   # may',
            '0x976ea74026E726554dB657fA54763abd0C3a0aa9" #',
            "EIP-55",
        ),
        ('challenge = "1000000000"', "challenge = 1000000000", "bonds.challenge was 1000000000"),
        ('challenge = "1000000000"', 'challenge = "1e9"', "base units, decimal digits between quotes"),
        ('votes = "900000000000000000000000"', 'votes = "1"', "stays with the deployer's key"),
        (
            'total_votes = "1000000000000000000000000"',
            "",
            "neither of token.address and token.total_votes",
        ),
        (
            "[[markets]]  ",
            '[[markets]]\nasset = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc" # ',
            "names assets",
        ),
        (
            "[demo_market]",
            '[aave]\naddresses_provider = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"\n[demo_market]',
            "both of [demo_market] and [aave]",
        ),
        (
            "[mandate]",
            '[mandate_by_hash]\nhash = "0x3"\nspread_limit_bps = 1\n[mandate]',
            "mandate_by_hash.hash",
        ),
        ('operator = "west"', 'operator = "ä"', "1 to 31 ASCII characters"),
        ("agent_id = 4", "agent_id = 0", "seats.3.agent_id was 0"),
        ("[markets.limits.ltv_bps]", "[markets.limits.ltv]", "did you mean 'ltv_bps'?"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_the_chain_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    text = LOCAL.read_text()
    assert text.count(old) == 1
    file = tmp_path / "dao.toml"
    file.write_text(text.replace(old, new))
    assert run(["dao", "check", str(file), "--rpc", "http://127.0.0.1:1", "--deployment", "x.json"]) == 2
    found = capsys.readouterr().err
    assert found.startswith("error: ")
    assert said in found
    assert "Traceback" not in found


def test_another_chain_is_refused(empty: FileDeployment) -> None:
    empty.change("chain_id = 31337", "chain_id = 1")
    with pytest.raises(ConfigError, match="the file is for chain 1, the end point serves chain 31337"):
        draft_text(empty.order())


# ---- the command line


def test_the_commands(finished: FileDeployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url, record = finished.client.rpc_url, str(finished.out)
    assert run(["dao", "check", str(LOCAL), "--rpc", url, "--deployment", record, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True
    changed = tmp_path / "changed.toml"
    changed.write_text(LOCAL.read_text().replace("quorum_percent = 4", "quorum_percent = 5"))
    assert run(["dao", "check", str(changed), "--rpc", url, "--deployment", record]) == 1
    assert "quorumNumerator: the file says 5, the chain has 4" in capsys.readouterr().out


def test_a_dry_run_on_the_command_line(
    finished: FileDeployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_keystore(tmp_path, "nobody", derivation=FAST)
    key, out = str(tmp_path / "nobody.json"), str(tmp_path / "out.json")
    rpc = finished.client.rpc_url
    assert run(["dao", "deploy", str(LOCAL), "--rpc", rpc, "--key", key, "--out", out, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "nothing is sent" in said and "TOO LITTLE" in said
