"""``deploy/compound.toml`` before the double of Compound III, ``deploy/venus.toml`` before the real Venus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigError, GovernanceError
from governance.deployment import load_deployment
from governance.founding.check import check_deployment
from governance.rehearsal import ETHER
from governance.signing import LocalSigner
from tests.governance.getters import unasked
from tests.protocols.file_orders import DEPLOY, DEPLOYER, FileOrder
from tests.protocols.file_stages import Stage, compound, of_kind, put, venus
from tests.protocols.stage import rewound
from tribunate.cli import run
from tribunate.dao_deploy import carry_out, draft_text
from tribunate.dao_plan import read_plan

SUPPLY = 10**24
NOT_THERE = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"


MAKE = {"compound": (compound, "deployed_comet"), "venus": (venus, "deployed_venus")}


@pytest.fixture(scope="module", params=list(MAKE))
def stage(
    request: pytest.FixtureRequest, funder: LocalSigner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Each file in turn; the token answers as COMP, as AAVE, and as one without history."""
    make, name = MAKE[request.param]
    market = request.getfixturevalue(name)
    with rewound(market.client):
        market.client.pay(funder, DEPLOYER.address, 1_000 * ETHER)
        token = market.client.deploy(funder, "BlockVotesToken", SUPPLY)
        yield make(market, token, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def fresh(stage: Stage, tmp_path: Path) -> Iterator[FileOrder]:
    """The file in a folder of its own, nothing sent yet; what happens on chain is undone."""
    file = tmp_path / stage.file.file.name
    file.write_text(stage.file.file.read_text())
    with rewound(stage.file.client):
        yield FileOrder(stage.file.client, file)


@pytest.fixture(scope="module")
def stood(stage: Stage) -> Stage:
    """The same, deployed."""
    carry_out(stage.file.order)
    return stage


def only(name: str) -> pytest.MarkDecorator:
    """Take one of the files."""
    return pytest.mark.parametrize("stage", [name], indirect=True)


# ---- what stands equals the file


@pytest.mark.parametrize("name", ["compound.toml", "venus.toml"])
def test_the_file_in_the_repository_is_one(name: str) -> None:
    assert len(read_plan(DEPLOY / name).markets) == 2


def test_what_stands_equals_the_file(stood: Stage) -> None:
    order = stood.file.order
    lines = check_deployment(order.client, load_deployment(order.out), order.plan)
    assert [line.what for line in lines if not line.holds] == []
    assert len(lines) > 120


def test_who_deploys_is_told_what_is_left_to_do(fresh: FileOrder) -> None:
    assert "left to do: " in carry_out(fresh.order)


def test_the_check_says_whether_the_protocol_obeys(stood: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    order = stood.file.order
    where = ["--rpc", order.client.rpc_url, "--deployment", str(order.out)]
    command = ["dao", "check", str(stood.file.file), *where]
    with rewound(order.client):
        assert run(command) == 1
        assert "adapter" in capsys.readouterr().out
        stood.let_in(load_deployment(order.out).addresses["adapter"])
        assert run(command) == 0


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("step_up = 2_000", "step_up = 2_001", ["supply_cap.step_up of {first}"]),
        (
            "newly_liquidatable_bps = 50 ",
            "newly_liquidatable_bps = 51 ",
            ["newly_liquidatable_bps of {first}"],
        ),
        ("quorum_percent = 4", "quorum_percent = 5", ["holder_governor.quorumNumerator"]),
        ("treasuries = []", f'treasuries = ["{NOT_THERE}"]', ["veto_power.treasuries"]),
    ],
)
def test_a_changed_key_is_named(stood: Stage, old: str, new: str, wrong: list[str]) -> None:
    first = stood.file.order.plan.markets[0].key
    found = stood.file.wrong(stood.file.changed(old, new))
    assert [what.format(first=first) for what in wrong] == [w for w in found if "delegate of" not in w]


@only("compound")
@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("block_milliseconds = 12_000", "block_milliseconds = 12_001", ["veto_power.blockMilliseconds"]),
        ('kind = "comp"', 'kind = "aave"', ["code of veto_power"]),
        ("margin_bps = 500 ", "margin_bps = 501 ", ["margin_bps of {first}"]),
        ("{0x1EC6}", "{0x316f}", ["the protocol that the file names"]),
        ("{0x316f}", "{0x1EC6}", ["the protocol that the file names"]),
        ("{0xC02a}", "{0xA0b8}", ["the protocol that the file names"]),
    ],
)
def test_a_changed_key_before_compound_is_named(stood: Stage, old: str, new: str, wrong: list[str]) -> None:
    first = stood.file.order.plan.markets[0].key
    plan = stood.file.changed(put(stood, old), put(stood, new))
    assert {what.format(first=first) for what in wrong} <= set(stood.file.wrong(plan))


@only("venus")
@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('"no_borrowing"', '"no_cap"', ["adapter.zeroBorrowCap"]),
        (
            'debt_asset = "{0x6666}"',
            'debt_asset = "{0x5555}"',
            ["debt market of {0x5555}", "debt_token of the deployment record"],
        ),
        ("{0x5555}", "{weth}", ["the protocol that the file names"]),
        ('kind = "escrow"', 'kind = "comp"\nblock_milliseconds = 3_000', ["code of veto_power"]),
    ],
)
def test_a_changed_key_before_venus_is_named(stood: Stage, old: str, new: str, wrong: list[str]) -> None:
    plan = stood.file.changed(put(stood, old), put(stood, new))
    assert {put(stood, what) for what in wrong} <= set(stood.file.wrong(plan))


@pytest.mark.parametrize(
    ("stage", "name", "arguments", "named"),
    [
        ("compound", "acceptFactory", ("{0xA0b8}",), "adapter.factory"),
        ("venus", "setDebtMarket", ("{0x5555}", "{0x5555}"), "debt market of {0x5555}"),
    ],
    indirect=["stage"],
)
def test_what_an_owner_has_set_is_named(
    stage: Stage, fresh: FileOrder, name: str, arguments: tuple[str, ...], named: str
) -> None:
    made = fresh.seated(NOT_THERE)
    with pytest.raises(GovernanceError, match="agent 1 is not registered"):
        carry_out(made.order)
    before = set(made.wrong())
    adapter = fresh.client.contract(
        made.order.plan.adapter_kind, load_deployment(made.order.out).addresses["adapter"]
    )
    fresh.client.send(DEPLOYER, adapter.functions[name](*(put(stage, a) for a in arguments)))
    assert set(made.wrong()) - before == {put(stage, named)}


def test_every_getter_is_compared_or_needs_no_comparison(stood: Stage) -> None:
    order = stood.file.order
    assert unasked(order.client.rpc_url, load_deployment(order.out), order.plan) == set()


# ---- a dry run


def test_a_dry_run_sends_nothing(fresh: FileOrder) -> None:
    block = fresh.client.block_number()
    text = draft_text(fresh.order)
    assert fresh.client.block_number() == block
    assert len(re.findall(r"adapter\.listMarket", text)) == 2
    assert [path.name for path in fresh.file.parent.iterdir()] == [fresh.file.name]


@only("compound")
def test_a_dry_run_shows_how_long_blocks_take(fresh: FileOrder) -> None:
    """After a thousand blocks of 13 s."""
    for _ in range(1_000):
        fresh.client.advance(13)
    assert "a block has taken 13,000 ms of late; the file says 12,000" in draft_text(fresh.order)


@only("venus")
def test_a_dry_run_says_nothing_of_blocks_where_none_are_counted(fresh: FileOrder) -> None:
    assert "a block has taken" not in draft_text(fresh.order)


def test_a_public_chain_needs_the_word(fresh: FileOrder) -> None:
    """The file as it is names another chain than this one, and nothing is sent there by mistake."""
    order = fresh.ordered(f"chain_id = {fresh.client.chain_id}", "chain_id = 1")
    with pytest.raises(ConfigError, match="the file is for chain 1"):
        carry_out(order)


def test_the_bound_of_gas_holds(stood: Stage) -> None:
    assert stood.file.over_the_bound() == []


# ---- what stands there is not what the file calls it


@only("compound")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{0xc3d6}", NOT_THERE, r"comet\.comet: no contract stands at"),
        ("{0xc3d6}", "{0xC02a}", r"comet\.comet: .* does not answer baseToken and numAssets"),
        ("{0x316f}", NOT_THERE, r"comet\.configurator: no contract stands at"),
        ("{0x316f}", "{0x1EC6}", r"comet\.configurator: .* has no factory for the Comet"),
        ("{0x1EC6}", NOT_THERE, r"comet\.proxy_admin: no contract stands at"),
        ("{0x1EC6}", "{0x316f}", r"comet\.proxy_admin was "),
        ('asset = "{0xC02a}"', 'asset = "{0xA0b8}"', r"market 1: .* is no collateral of the Comet"),
        ("{0xc00e}", NOT_THERE, r"token\.address: no contract stands at"),
        ("{0xc00e}", "{0xC02a}", "token.kind was comp, but .* does not answer getPriorVotes"),
        ('token = "{0xA0b8}"', f'token = "{NOT_THERE}"', r"bonds\.token: no contract stands at"),
    ],
)
def test_what_is_not_compounds_is_refused(
    fresh: FileOrder, stage: Stage, old: str, new: str, said: str
) -> None:
    refused(fresh, put(stage, old), put(stage, new), said)


@only("venus")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{0x4444}", NOT_THERE, r"comptroller\.comptroller: no contract stands at"),
        ("{0x4444}", "{0x5555}", r"comptroller\.comptroller: .* does not answer oracle"),
        ("{0x5555}", "{weth}", r"market 1: .* is no market of the comptroller"),
        ('debt_asset = "{0x6666}"', 'debt_asset = "{weth}"', r"market 1: .* is no market of the comptroller"),
        ("{0x2222}", "{0x4444}", "token.kind was escrow, but .* does not answer totalSupply"),
        ("{0x2222}", NOT_THERE, r"token\.address: no contract stands at"),
    ],
)
def test_what_is_not_venuss_is_refused(fresh: FileOrder, stage: Stage, old: str, new: str, said: str) -> None:
    refused(fresh, put(stage, old), put(stage, new), said)


@pytest.mark.parametrize(
    ("lines", "contract"),
    [
        ('kind = "comp"\nblock_milliseconds = 12_000', "CompPower"),
        ('kind = "aave"\nblock_milliseconds = 3_000', "AavePower"),
        ('kind = "escrow"', "VotesEscrow"),
    ],
)
@only("compound")
def test_every_kind_of_token_votes(fresh: FileOrder, lines: str, contract: str) -> None:
    made = of_kind(fresh, lines)
    carry_out(made.order)
    at = load_deployment(made.order.out).addresses
    counts = made.client.contract(contract, at["veto_power"]).functions
    token = counts.token() if contract == "VotesEscrow" else counts.votes()
    assert made.client.call(token) == made.order.plan.charter.token
    assert made.wrong() == []


@only("compound")
def test_a_treasury_must_have_delegated_to_itself(fresh: FileOrder, funder: LocalSigner) -> None:
    """The funder has every vote, and has delegated to nobody."""
    order = fresh.ordered("treasuries = []", f'treasuries = ["{funder.address}"]')
    with pytest.raises(GovernanceError, match=r"treasury .* has not delegated to itself"):
        carry_out(order)
    token = fresh.client.contract("GovernanceToken", order.plan.charter.token or "")
    fresh.client.send(funder, token.functions.delegate(funder.address))
    assert "sealed" in carry_out(order)


@only("compound")
def test_a_treasury_has_nothing_to_delegate_where_deposits_vote(
    fresh: FileOrder, funder: LocalSigner
) -> None:
    made = of_kind(fresh, 'kind = "escrow"')
    order = made.ordered("treasuries = []", f'treasuries = ["{funder.address}"]')
    assert "sealed" in carry_out(order)
    # unless it deposits, and lets somebody else vote with that
    at = load_deployment(order.out).addresses
    escrow = made.client.contract("VotesEscrow", at["veto_power"])
    made.client.send(funder, escrow.functions.delegate(DEPLOYER.address))
    assert made.wrong(order.plan) == [f"delegate of treasury {funder.address}"]


@only("compound")
def test_a_token_that_counts_blocks_is_not_one_that_counts_time(fresh: FileOrder) -> None:
    with pytest.raises(ConfigError, match=r"token\.address: the clock of .* was mode=blocknumber"):
        draft_text(of_kind(fresh, 'kind = "erc20votes"').order)


# ---- files that contradict themselves


PROVIDER = '[aave]\naddresses_provider = "0x1111111111111111111111111111111111111111"\n[comet] '
WETH = 'debt_asset = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"\n'
VUSDC = 'debt_asset = "0x6666666666666666666666666666666666666666"     #'
TOKEN = 'address = "0x2222222222222222222222222222222222222222"'


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("compound", "block_milliseconds = 12_000", "#", "block_milliseconds was None for token.kind comp"),
        ("compound", "= 12_000", "= 99", "token.block_milliseconds was 99"),
        ("compound", 'kind = "comp"', 'kind = "uni"', "token.kind was 'uni'"),
        ("compound", "[comet] ", PROVIDER, "both of [aave] and [comet] were given"),
        ("compound", "margin_bps = 500 ", WETH + "margin_bps = 500 ", "names a debt_asset"),
        ("compound", "margin_bps", "emode_category = 1\nmargin_bps", "names an e-mode category"),
        ("compound", "proxy_admin = ", "proxy_admn = ", "did you mean 'proxy_admin'?"),
        ("venus", '"escrow"', '"escrow"\nblock_milliseconds = 3_000', "was 3000 for token.kind escrow"),
        ("venus", TOKEN, 'total_votes = "0"', "token.kind was escrow for a new token"),
        ("venus", '"no_borrowing"', '"none"', "comptroller.zero_borrow_cap was 'none'"),
        ("venus", "margin_bps = 10_000 ", "margin_bps = 500 ", "market 1: margin_bps was 500"),
        ("venus", VUSDC, "#", "market 1 lacks asset or debt_asset"),
        ("venus", 'token = "0x7777', '# token = "0x7777', "bonds.token is missing"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    text = (DEPLOY / f"{name}.toml").read_text()
    assert old in text
    file = tmp_path / "dao.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as refusal:
        read_plan(file)
    assert said in refusal.value.render()


def refused(fresh: FileOrder, old: str, new: str, said: str) -> None:
    """Check that a file is refused before anything is sent."""
    before = fresh.client.next_nonce(DEPLOYER.address)
    order = fresh.ordered(old, new)
    for take in (draft_text, carry_out):
        with pytest.raises(ConfigError, match=said):
            take(order)
    assert fresh.client.next_nonce(DEPLOYER.address) == before
