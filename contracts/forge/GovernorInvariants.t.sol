// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {DemoMarketAdapter} from "../src/adapters/DemoMarketAdapter.sol";
import {IMarketAdapter} from "../src/adapters/IMarketAdapter.sol";
import {MarketRules} from "../src/adapters/MarketAdapter.sol";
import {GovernanceToken} from "../src/demo/GovernanceToken.sol";
import {FastLane} from "../src/governor/FastLane.sol";
import {ParameterGovernor} from "../src/governor/ParameterGovernor.sol";
import {TribunateTimelock} from "../src/governor/TribunateTimelock.sol";
import {UpdateGate} from "../src/governor/UpdateGate.sol";
import {FreshnessBands} from "../src/guardrails/Freshness.sol";
import {FieldLimits} from "../src/guardrails/Guardrails.sol";
import {LimitBook} from "../src/guardrails/LimitBook.sol";
import {PositionSample} from "../src/guardrails/PositionSample.sol";
import {AgentRegistry} from "../src/registry/AgentRegistry.sol";
import {ModelRegistry} from "../src/registry/ModelRegistry.sol";
import {SeatRegistry} from "../src/registry/SeatRegistry.sol";
import {Field, FreshnessSnapshot, ParameterUpdate, Parameters} from "../src/types/ParameterTypes.sol";
import {VotesPower} from "../src/votes/VotesPower.sol";
import {CrookedMarket} from "../test/CrookedMarket.sol";
import {Campaign} from "./Campaign.sol";
import {ForgeTest} from "./ForgeTest.sol";
import {Vm} from "./Vm.sol";

/// @notice A whole DAO with four seats and three holders; everybody does what they may, in any order.
contract GovernorHandler is ForgeTest, Campaign {
    uint256 private constant SEATS = 4;
    address private constant ASSET = address(0xA55E7);
    address public constant GUARDIAN = address(0x6A4D);
    CrookedMarket public market;
    SeatRegistry public seats;
    UpdateGate public gate;
    ParameterGovernor public governor;
    GovernanceToken public token;
    DemoMarketAdapter public adapter;
    uint256[] private _keys;
    address[3] private _holders = [address(0xA11CE), address(0xB0B), address(0xCA401)];
    uint64 private _epoch;

    struct Known {
        uint256 id;
        uint256 created;
        uint256 withdrawn;
        bool vetoed;
        bool executed;
        bytes call;
        bytes32 description;
    }

    Known[] public known;
    uint256 public violations;
    string public what;

    constructor() {
        _makeKeys();
        TribunateTimelock timelock = new TribunateTimelock(24 hours, address(this));
        token = new GovernanceToken(address(this), 1_000_000e18);
        for (uint256 n; n < 3; ++n) {
            token.transfer(_holders[n], n == 0 ? 2_000e18 : 300_000e18);
            vm.prank(_holders[n]);
            token.delegate(_holders[n]);
        }
        AgentRegistry identities = new AgentRegistry(address(this));
        seats = new SeatRegistry(address(this), identities);
        identities.setSeatWatch(seats);
        gate = new UpdateGate(address(this), seats, new ModelRegistry(address(this)));
        VotesPower power = new VotesPower(token, new address[](0));
        governor = new ParameterGovernor(power, timelock, gate, GUARDIAN, 50);
        FastLane lane = new FastLane(gate);
        gate.setEntrances(address(governor), address(lane));
        gate.setMandate(bytes32(uint256(1)), 1_500);
        for (uint256 n; n < 3; ++n) {
            bytes32 role = n == 0 ? timelock.PROPOSER_ROLE() : n == 1 ? timelock.EXECUTOR_ROLE() : timelock.CANCELLER_ROLE();
            timelock.grantRole(role, address(governor));
        }
        _seat(identities);
        _market(lane, address(timelock));
    }

    function propose(uint256 seed) external counted {
        _later(within(seed >> 200, 0, 1 days));
        ParameterUpdate memory u = _update(seed);
        (address[] memory signers, bytes[] memory signatures) = _signed(gate.hashUpdate(u), seed);
        try governor.proposeUpdate(u, signers, signatures) returns (uint256 id) {
            ParameterUpdate[] memory one = new ParameterUpdate[](1);
            one[0] = u;
            bytes memory call = abi.encodeCall(IMarketAdapter.applyUpdates, (one));
            bytes32 text = keccak256(bytes(string.concat("Tribunate parameter update ", _hex(gate.hashUpdate(u)))));
            known.push(Known(id, vm.getBlockTimestamp(), 0, false, false, call, text));
            succeeded();
        } catch {}
    }

    function veto(uint256 seed) external counted {
        if (known.length == 0) return;
        Known storage k = _pick(seed);
        _into(k.created + 12 hours + 1, k.created + 72 hours, seed);
        address holder = _holders[seed % 10 == 0 ? 1 : 0];
        vm.prank(holder);
        try governor.castVote(k.id, 0) {
            (uint256 against,,) = governor.proposalVotes(k.id);
            if (against > token.totalSupply()) _violated("votes above supply");
            if (governor.state(k.id) == IGovernor.ProposalState.Defeated) k.vetoed = true;
            succeeded();
        } catch {
            if (governor.state(k.id) != IGovernor.ProposalState.Active || governor.hasVoted(k.id, holder)) succeeded();
        }
    }

    function withdraw(uint256 seed) external counted {
        if (known.length == 0) return;
        Known storage k = _pick(seed);
        vm.prank(vm.addr(_keys[seed % SEATS]));
        try governor.withdrawSignature(k.id) {
            ++k.withdrawn;
            succeeded();
        } catch {
            if (k.executed || k.withdrawn > 0) succeeded(); // rightly refused
        }
    }

    function disable(uint256 seed) external counted {
        uint256 agentId = 1 + seed % SEATS;
        if (seed % 2 == 0) seats.restore(agentId);
        else try seats.disable(agentId) {} catch {}
        succeeded();
    }

    function cancel(uint256 seed) external counted {
        if (known.length == 0 || seed % 5 != 0) return succeeded();
        Known storage k = _pick(seed);
        (address[] memory t, uint256[] memory v, bytes[] memory c) = _action(k);
        vm.prank(GUARDIAN);
        try governor.cancel(t, v, c, k.description) {
            if (k.executed) _violated("cancelled after execution");
        } catch {}
        succeeded();
    }

    function queue(uint256 seed) external counted {
        if (known.length == 0) return;
        Known storage k = _pick(seed);
        _into(k.created + 72 hours + 1, k.created + 100 hours, seed);
        (address[] memory t, uint256[] memory v, bytes[] memory c) = _action(k);
        bool open = governor.state(k.id) == IGovernor.ProposalState.Succeeded;
        try governor.queue(t, v, c, k.description) {
            if (k.vetoed || vm.getBlockTimestamp() <= k.created + 72 hours) _violated("queued too early or vetoed");
            succeeded();
        } catch {
            if (!open) succeeded(); // rightly refused
        }
    }

    function execute(uint256 seed) external counted {
        if (known.length == 0) return;
        Known storage k = _pick(seed);
        uint256 eta = governor.proposalEta(k.id);
        _into(eta, eta + 8 days, seed);
        (address[] memory t, uint256[] memory v, bytes[] memory c) = _action(k);
        bool due = governor.state(k.id) == IGovernor.ProposalState.Queued;
        uint256 lost = _lost(k.id);
        try governor.execute(t, v, c, k.description) {
            if (vm.getBlockTimestamp() < k.created + 96 hours) _violated("executed before window and timelock");
            if (eta == 0 || vm.getBlockTimestamp() > eta + 7 days) _violated("executed after grace, or never queued");
            if (k.vetoed) _violated("executed after a veto");
            if (k.executed) _violated("executed twice");
            if (lost > 1) _violated("executed with f + 1 signers lost");
            k.executed = true;
            succeeded();
        } catch {
            if (!due || lost > 1) succeeded(); // rightly refused
        }
    }

    function pass(uint256 seconds_) external counted {
        _later(within(seconds_, 1 hours, 2 days));
        succeeded();
    }

    function count() external view returns (uint256) {
        return known.length;
    }

    /// @dev Signers of a proposal that have withdrawn or have no voice now.
    function _lost(uint256 id) private view returns (uint256 lost) {
        (uint32 version, uint32 signers, uint32 withdrawn) = _backers(id);
        uint32 bits = withdrawn | seats.lostSince(version, signers);
        for (; bits != 0; bits &= bits - 1) ++lost;
    }

    function _backers(uint256 id) private view returns (uint32, uint32, uint32) {
        return (governor.standingOf(id).version, governor.standingOf(id).signers, governor.standingOf(id).withdrawn);
    }

    function _pick(uint256 seed) private view returns (Known storage) {
        uint256 last = known.length - 1;
        return known[last - within(seed >> 16, 0, last < 2 ? last : 2)];
    }

    function _action(Known storage k)
        private
        view
        returns (address[] memory t, uint256[] memory v, bytes[] memory c)
    {
        (t, v, c) = (new address[](1), new uint256[](1), new bytes[](1));
        (t[0], c[0]) = (address(adapter), k.call);
    }

    function _into(uint256 first, uint256 last, uint256 seed) private {
        uint256 moment = within(seed >> 128, first, last);
        if (seed % 4 != 0 && moment > vm.getBlockTimestamp()) vm.warp(moment);
    }

    function _later(uint256 seconds_) private {
        vm.warp(vm.getBlockTimestamp() + seconds_);
    }

    function _violated(string memory rule) private {
        ++violations;
        what = rule;
    }

    /// @dev The market's own limits are another campaign's matter: they are wide here.
    function _update(uint256 seed) private returns (ParameterUpdate memory u) {
        Parameters memory now_ = market.parameters();
        u.epoch = ++_epoch;
        u.market = ASSET;
        u.seatTableHash = seats.seatTableHash(seats.seatVersion());
        (u.expected, u.proposed) = (now_, market.parameters());
        u.proposed.liquidationBonusBps = seed % 2 == 0 ? 500 + seed % 40 : 460 + seed % 40;
        u.snapshot = FreshnessSnapshot(2_000e8, 5_000, 100e18, 100_000e6, uint64(vm.getBlockTimestamp()));
        u.validUntil = uint64(vm.getBlockTimestamp() + 1 hours);
    }

    function _signed(bytes32 digest, uint256 seed)
        private
        view
        returns (address[] memory signers, bytes[] memory signatures)
    {
        uint256 skip = _silent(seed % 5); // SEATS: nobody is left out
        uint256 n = skip < SEATS ? SEATS - 1 : SEATS;
        (signers, signatures) = (new address[](n), new bytes[](n));
        uint256 next;
        for (uint256 i; i < SEATS; ++i) {
            if (i == skip) continue;
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[i], digest);
            (signers[next], signatures[next]) = (vm.addr(_keys[i]), abi.encodePacked(r, s, v));
            ++next;
        }
    }

    /// @dev A seat without a voice, if there is one, in three cases of four: its signature would be refused.
    function _silent(uint256 otherwise) private view returns (uint256) {
        for (uint256 i; i < SEATS && otherwise != 0; ++i) {
            if (!seats.isActive(vm.addr(_keys[i]))) return i;
        }
        return otherwise;
    }

    /// @dev Ascending by address, as signers must be.
    function _makeKeys() private {
        for (uint256 n = 1; n <= SEATS; ++n) {
            _keys.push(n);
            for (uint256 i = _keys.length - 1; i > 0 && vm.addr(_keys[i - 1]) > vm.addr(_keys[i]); --i) {
                (_keys[i - 1], _keys[i]) = (_keys[i], _keys[i - 1]);
            }
        }
    }

    function _seat(AgentRegistry identities) private {
        SeatRegistry.SeatRequest[] memory requests = new SeatRegistry.SeatRequest[](SEATS);
        for (uint256 n; n < SEATS; ++n) {
            _register(identities, _keys[n]);
            requests[n] = SeatRegistry.SeatRequest(n + 1, bytes32(n + 1), bytes32(n % 2 + 10), bytes32(n % 2 + 20));
        }
        seats.seat(requests);
    }

    /// @dev One key is wallet and transport here.
    function _register(AgentRegistry identities, uint256 key) private {
        Vm.Wallet memory wallet = vm.createWallet(key);
        (bytes32 x, bytes32 y) = (bytes32(wallet.publicKeyX), bytes32(wallet.publicKeyY));
        vm.prank(wallet.addr);
        uint256 agentId = identities.register();
        bytes32 digest = identities.hashBinding(wallet.addr, identities.uagentAddress(x, y));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes memory proof = abi.encodePacked(r, s, v);
        vm.prank(wallet.addr);
        identities.bindTransport(agentId, x, y, proof, proof);
    }

    function _market(FastLane lane, address timelock) private {
        market = new CrookedMarket(ASSET, Parameters(7000, 7500, 480, 1_000e18, 1_000_000e6, 1));
        market.pretend(2_000e8, 5_000, 100e18, 100_000e6);
        LimitBook limits = new LimitBook(address(this));
        adapter = new DemoMarketAdapter(market, address(this), limits, new PositionSample());
        adapter.setEntrances(address(governor), address(lane));
        adapter.listMarket(ASSET, MarketRules(500, 50, FreshnessBands(1000, 1000, 3000, 3000)));
        limits.open(ASSET, address(adapter), false);
        _widen(limits);
        gate.setAdapter(ASSET, adapter);
        adapter.transferOwnership(timelock);
    }

    function _widen(LimitBook limits) private {
        for (uint256 n; n < 5; ++n) {
            limits.setLimits(ASSET, _field(n), _wide());
        }
    }

    function _hex(bytes32 value) private pure returns (string memory) {
        bytes16 digits = "0123456789abcdef";
        bytes memory text = new bytes(66);
        (text[0], text[1]) = ("0", "x");
        for (uint256 i; i < 32; ++i) {
            (text[2 + 2 * i], text[3 + 2 * i]) = (digits[uint8(value[i]) >> 4], digits[uint8(value[i]) & 15]);
        }
        return string(text);
    }

    function _field(uint256 n) private pure returns (Field) {
        return Field(n);
    }

    function _wide() private pure returns (FieldLimits memory) {
        return FieldLimits(true, false, false, 0, 0, 10_000, 10_000, 0, type(uint128).max, 1_000_000, 1_000_000);
    }
}

/// @notice Nothing executes before the window ends, after grace, after a veto, twice, or without its backers.
contract GovernorInvariants is ForgeTest {
    GovernorHandler private handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        handler = new GovernorHandler();
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = GovernorHandler.propose.selector;
        selectors[1] = GovernorHandler.veto.selector;
        selectors[2] = GovernorHandler.withdraw.selector;
        selectors[3] = GovernorHandler.disable.selector;
        selectors[4] = GovernorHandler.cancel.selector;
        selectors[5] = GovernorHandler.queue.selector;
        selectors[6] = GovernorHandler.execute.selector;
        selectors[7] = GovernorHandler.pass.selector;
        callOnly(address(handler), selectors);
    }

    function invariant_governor() external view {
        vm.assertEq(handler.violations(), 0, handler.what());
    }

    function afterInvariant() external view {
        handler.requireSuccess(30);
    }
}
