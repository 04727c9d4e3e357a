// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IAgentIdentity, ISeatWatch} from "./ISeatWatch.sol";

/// @notice Versioned seats: one voice each, attested by the owner (the timelock after set-up).
///
///     seat / unseat (owner) ──┐
///     wallet changed (anyone) ┼──► new version ──► usable iff n >= 4 and no operator holds more than f
///     transfer of identity  ──┘        │
///                                      └─ disable (guardian): at most f at a time, until restored
///
/// n seats, f = (n-1)/3 faulty, k = ceil((2n+1)/3) signatures.
contract SeatRegistry is Ownable, ISeatWatch {
    /// @dev `uagentHash` freezes the transport address that the agent had when it was seated.
    struct Seat {
        uint256 agentId;
        address wallet;
        bytes32 uagentHash;
        bytes32 operator;
        bytes32 family;
        bytes32 dataSource;
    }

    struct SeatRequest {
        uint256 agentId;
        bytes32 operator;
        bytes32 family;
        bytes32 dataSource;
    }

    /// @dev `disabled` has one bit per place; only the newest version's counts.
    struct Version {
        bytes32 tableHash;
        uint64 supersededAt;
        uint32 disabled;
        uint8 count;
        bool usable;
        Seat[] seats;
    }

    /// @dev One word, so that a signer costs one cold read. `bit` is that of its place; numbers stand for texts.
    struct Holder {
        uint32 bit;
        uint64 agentId;
        uint32 operator;
        uint32 family;
        uint32 dataSource;
    }

    /// @notice What a quorum's signatures say; `signers` has one bit per place in `version`.
    struct Quorum {
        uint32 version;
        uint32 signers;
        uint8 faults;
    }

    uint256 public constant SMALLEST_TABLE = 4;
    uint256 public constant MOST_SEATS = 32;
    /// @notice A version may still be used this long after a newer one: agents' data are at most as old.
    uint256 public constant HANDOVER_SECONDS = 6 hours;
    uint256 public constant GUARDIAN_TERM_SECONDS = 180 days;
    string private constant UAGENT_KEY = "uagent";

    IAgentIdentity public immutable identities;
    uint256 public seatVersion;
    address public guardian;
    uint64 public guardianExpiresAt;
    uint32 private _lastText;
    mapping(uint256 version => Version) private _versions;
    mapping(uint256 version => mapping(address wallet => Holder)) private _holders;
    mapping(bytes32 tableHash => uint256) public versionOf;
    mapping(bytes32 text => uint32) private _numberOf;

    event SeatTableChanged(uint256 indexed version, bytes32 tableHash, bool usable);
    event Seated(
        uint256 indexed version,
        uint256 indexed agentId,
        address wallet,
        bytes32 operator,
        bytes32 family,
        bytes32 dataSource
    );
    event Unseated(uint256 indexed version, uint256 indexed agentId);
    event SeatDisabled(uint256 indexed version, uint256 indexed agentId, address by);
    event SeatRestored(uint256 indexed version, uint256 indexed agentId, address by);
    event GuardianSet(address guardian, uint256 expiresAt);

    error AlreadySeated(uint256 agentId);
    error NotSeated(uint256 agentId);
    error NoWallet(uint256 agentId);
    error NoTransport(uint256 agentId);
    error WalletTaken(address wallet);
    error StillItsWallet(uint256 agentId, address wallet);
    error OperatorHoldsTooMany(bytes32 operator, uint256 seats, uint256 allowed);
    error TooManySeats(uint256 seats, uint256 allowed);
    error UnknownSeatTable(bytes32 tableHash);
    error SeatTableNotUsable(uint256 version);
    error SeatTableSuperseded(uint256 version, uint256 supersededAt);
    error TooFewSigners(uint256 signers, uint256 needed);
    error SignersNotAscending(address previous, address signer);
    error SignerNotSeated(address signer);
    error SignersWithoutVoice(uint32 places);
    error BadSignature(address signer);
    error SignaturesMissing(uint256 signers, uint256 signatures);
    error SignersNotDiverse();
    error NotGuardian(address caller);
    error TooManyDisabled(uint256 disabled, uint256 allowed);

    constructor(address owner_, IAgentIdentity identities_) Ownable(owner_) {
        identities = identities_;
    }

    /// @notice Names who may disable seats, for 180 d from now.
    function setGuardian(address next) external onlyOwner {
        guardian = next;
        guardianExpiresAt = uint64(block.timestamp + GUARDIAN_TERM_SECONDS);
        emit GuardianSet(next, guardianExpiresAt);
    }

    /// @notice Seats several agents in one new version.
    function seat(SeatRequest[] calldata requests) external onlyOwner {
        Version storage next = _copyToNext();
        for (uint256 i; i < requests.length; ++i) {
            _add(next, requests[i]);
        }
        _publish(next);
        _requireSpread(next);
    }

    function unseat(uint256 agentId) external onlyOwner {
        _remove(agentId, _placeOf(agentId));
    }

    /// @inheritdoc ISeatWatch
    function vacate(uint256 agentId) external {
        (bool seated, uint256 place) = _find(agentId);
        if (!seated) return;
        address wallet = _versions[seatVersion].seats[place].wallet;
        if (identities.getAgentWallet(agentId) == wallet) revert StillItsWallet(agentId, wallet);
        _remove(agentId, place);
    }

    /// @notice The guardian (until its term ends) or the owner takes a seat's voice away without a new version.
    /// @dev Warning: the seat still counts in n. Never more than f at a time, so that a quorum stays possible.
    function disable(uint256 agentId) external {
        bool byGuardian = msg.sender == guardian && block.timestamp < guardianExpiresAt;
        if (!byGuardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        Version storage newest = _versions[seatVersion];
        newest.disabled |= uint32(1) << uint32(_placeOf(agentId));
        uint256 disabled = _ones(newest.disabled);
        if (disabled > faultsOf(seatVersion)) revert TooManyDisabled(disabled, faultsOf(seatVersion));
        emit SeatDisabled(seatVersion, agentId, msg.sender);
    }

    function restore(uint256 agentId) external {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        _versions[seatVersion].disabled &= ~(uint32(1) << uint32(_placeOf(agentId)));
        emit SeatRestored(seatVersion, agentId, msg.sender);
    }

    function seatTableHash(uint256 version) external view returns (bytes32) {
        return _versions[version].tableHash;
    }

    function seatsOf(uint256 version) external view returns (Seat[] memory) {
        return _versions[version].seats;
    }

    function isUsable(uint256 version) external view returns (bool) {
        return _versions[version].usable;
    }

    /// @notice Whether `wallet` held a seat in `version`, disabled or not.
    function isSeatedAt(uint256 version, address wallet) external view returns (bool) {
        return _holders[version][wallet].bit != 0;
    }

    /// @notice Whether `wallet` has a voice now.
    function isActive(address wallet) public view returns (bool) {
        uint32 bit = _holders[seatVersion][wallet].bit;
        return bit != 0 && _versions[seatVersion].disabled & bit == 0;
    }

    /// @notice Agent and bit of `wallet` in `version`; zero when it held no seat.
    function holderAt(uint256 version, address wallet) external view returns (uint256 agentId, uint32 bit) {
        Holder storage holder = _holders[version][wallet];
        return (holder.agentId, holder.bit);
    }

    function faultsOf(uint256 version) public view returns (uint256) {
        uint256 count = _versions[version].count;
        return count == 0 ? 0 : (count - 1) / 3;
    }

    function signersNeeded(uint256 version) public view returns (uint256) {
        return (2 * uint256(_versions[version].count) + 3) / 3;
    }

    /// @notice Which of `signers` (bits of places in `version`) have lost their voice since.
    function lostSince(uint256 version, uint32 signers) public view returns (uint32 lost) {
        Version storage then = _versions[version];
        if (version == seatVersion) return signers & then.disabled;
        for (uint256 place; place < then.count; ++place) {
            uint32 bit = uint32(1) << uint32(place);
            if (signers & bit != 0 && !isActive(then.seats[place].wallet)) lost |= bit;
        }
    }

    /// @notice Reverts unless `signatures` over `digest` are a quorum of the table.
    /// @dev Signers ascend strictly, so that none counts twice. A signer must hold a seat in the table of the
    /// digest and a voice in the newest one. `diverse`: two operators, two families, two data sources.
    function requireQuorum(
        bytes32 digest,
        bytes32 tableHash,
        address[] calldata signers,
        bytes[] calldata signatures,
        bool diverse
    ) external view returns (Quorum memory quorum) {
        uint256 version = _requireLive(tableHash);
        uint256 needed = signersNeeded(version);
        if (signers.length != signatures.length) revert SignaturesMissing(signers.length, signatures.length);
        if (signers.length < needed) revert TooFewSigners(signers.length, needed);
        quorum = Quorum(uint32(version), _verify(version, digest, signers, signatures), uint8(faultsOf(version)));
        if (diverse) _requireDiverse(version, signers);
    }

    /// @dev A key first: asking whether the signer has code costs a cold account, and most signers have none.
    /// A recovery that fails gives address zero, which no signer is.
    function _signed(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered == signer || SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    function _verify(uint256 version, bytes32 digest, address[] calldata signers, bytes[] calldata signatures)
        private
        view
        returns (uint32 bits)
    {
        mapping(address => Holder) storage holders = _holders[version];
        uint256 all;
        address previous;
        uint256 count = signers.length;
        for (uint256 i; i < count; ++i) {
            address signer = signers[i];
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            uint256 bit = holders[signer].bit;
            if (bit == 0) revert SignerNotSeated(signer);
            if (!_signed(signer, digest, signatures[i])) revert BadSignature(signer);
            all |= bit;
            previous = signer;
        }
        bits = uint32(all);
        uint32 lost = lostSince(version, bits);
        if (lost != 0) revert SignersWithoutVoice(lost);
    }

    function _requireLive(bytes32 tableHash) private view returns (uint256 version) {
        version = versionOf[tableHash];
        if (version == 0) revert UnknownSeatTable(tableHash);
        Version storage table = _versions[version];
        if (!table.usable) revert SeatTableNotUsable(version);
        if (table.supersededAt != 0 && block.timestamp > table.supersededAt + HANDOVER_SECONDS) {
            revert SeatTableSuperseded(version, table.supersededAt);
        }
    }

    function _requireDiverse(uint256 version, address[] calldata signers) private view {
        Holder memory first = _holders[version][signers[0]];
        (bool operators, bool families, bool sources) = (false, false, false);
        for (uint256 i = 1; i < signers.length; ++i) {
            Holder memory other = _holders[version][signers[i]];
            operators = operators || other.operator != first.operator;
            families = families || other.family != first.family;
            sources = sources || other.dataSource != first.dataSource;
            if (operators && families && sources) return;
        }
        revert SignersNotDiverse();
    }

    function _find(uint256 agentId) private view returns (bool, uint256 place) {
        Version storage newest = _versions[seatVersion];
        for (place = 0; place < newest.count; ++place) {
            if (newest.seats[place].agentId == agentId) return (true, place);
        }
        return (false, 0);
    }

    function _placeOf(uint256 agentId) private view returns (uint256) {
        (bool seated, uint256 place) = _find(agentId);
        if (!seated) revert NotSeated(agentId);
        return place;
    }

    function _copyToNext() private returns (Version storage next) {
        next = _versions[seatVersion + 1];
        Version storage newest = _versions[seatVersion];
        next.disabled = newest.disabled;
        for (uint256 i; i < newest.count; ++i) next.seats.push(newest.seats[i]);
    }

    function _remove(uint256 agentId, uint256 place) private {
        Version storage next = _copyToNext();
        uint256 last = next.seats.length - 1;
        for (uint256 j = place; j < last; ++j) next.seats[j] = next.seats[j + 1];
        next.seats.pop();
        next.disabled = _withoutBit(next.disabled, place);
        emit Unseated(seatVersion + 1, agentId);
        _publish(next);
    }

    /// @dev Keeps seats ascending by agent id.
    function _add(Version storage next, SeatRequest calldata request) private {
        address wallet = identities.getAgentWallet(request.agentId);
        if (wallet == address(0)) revert NoWallet(request.agentId);
        bytes memory uagent = identities.getMetadata(request.agentId, UAGENT_KEY);
        if (uagent.length == 0) revert NoTransport(request.agentId);
        Seat[] storage seats = next.seats;
        uint256 place = seats.length;
        for (uint256 i = seats.length; i > 0; --i) {
            if (seats[i - 1].agentId == request.agentId) revert AlreadySeated(request.agentId);
            if (seats[i - 1].wallet == wallet) revert WalletTaken(wallet);
            if (seats[i - 1].agentId > request.agentId) place = i - 1;
        }
        if (seats.length == MOST_SEATS) revert TooManySeats(seats.length + 1, MOST_SEATS);
        seats.push();
        for (uint256 i = seats.length - 1; i > place; --i) seats[i] = seats[i - 1];
        seats[place] = Seat(
            request.agentId, wallet, keccak256(uagent), request.operator, request.family, request.dataSource
        );
        next.disabled = _withBit(next.disabled, place);
        emit Seated(
            seatVersion + 1, request.agentId, wallet, request.operator, request.family, request.dataSource
        );
    }

    function _publish(Version storage next) private {
        if (seatVersion != 0) _versions[seatVersion].supersededAt = uint64(block.timestamp);
        uint256 version = ++seatVersion;
        next.count = uint8(next.seats.length);
        (, uint256 most) = _largestOperator(next.seats);
        next.usable = next.count >= SMALLEST_TABLE && most <= faultsOf(version);
        next.tableHash = keccak256(abi.encode(block.chainid, address(this), version, next.seats));
        versionOf[next.tableHash] = version;
        for (uint256 i; i < next.count; ++i) {
            Seat storage held = next.seats[i];
            _holders[version][held.wallet] = Holder(
                uint32(1) << uint32(i),
                uint64(held.agentId),
                _number(held.operator),
                _number(held.family),
                _number(held.dataSource)
            );
        }
        emit SeatTableChanged(version, next.tableHash, next.usable);
    }

    function _number(bytes32 text) private returns (uint32 number) {
        number = _numberOf[text];
        if (number == 0) {
            number = ++_lastText;
            _numberOf[text] = number;
        }
    }

    /// @dev Smaller tables are allowed while seats are being filled; nobody can propose with them.
    function _requireSpread(Version storage table) private view {
        if (table.count < SMALLEST_TABLE || table.usable) return;
        (bytes32 operator, uint256 most) = _largestOperator(table.seats);
        revert OperatorHoldsTooMany(operator, most, faultsOf(seatVersion));
    }

    function _largestOperator(Seat[] storage seats) private view returns (bytes32 operator, uint256 most) {
        for (uint256 i; i < seats.length; ++i) {
            uint256 held;
            for (uint256 j; j < seats.length; ++j) {
                if (seats[j].operator == seats[i].operator) ++held;
            }
            if (held > most) (operator, most) = (seats[i].operator, held);
        }
    }

    function _withoutBit(uint32 bits, uint256 place) private pure returns (uint32) {
        uint32 below = uint32((uint256(1) << place) - 1);
        return (bits & below) | ((bits >> 1) & ~below);
    }

    function _withBit(uint32 bits, uint256 place) private pure returns (uint32) {
        uint32 below = uint32((uint256(1) << place) - 1);
        return (bits & below) | ((bits & ~below) << 1);
    }

    function _ones(uint32 bits) private pure returns (uint256 ones) {
        for (; bits != 0; bits &= bits - 1) ++ones;
    }
}
