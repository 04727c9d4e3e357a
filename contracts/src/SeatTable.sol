// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice Versioned seats: one voice each, attested by the owner (the timelock after set-up).
///
///     seat / unseat (owner) ──┐
///     identity transferred  ──┼──► new version ──► usable iff n >= 4 and no operator holds more than f
///     wallet changed        ──┘
///
/// n seats, f = (n-1)/3 faulty, k = ceil((2n+1)/3) signatures.
abstract contract SeatTable is Ownable {
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

    struct Version {
        bytes32 tableHash;
        uint64 supersededAt;
        bool usable;
        Seat[] seats;
    }

    uint256 public constant SMALLEST_TABLE = 4;
    uint256 public constant MOST_SEATS = 32;
    /// @notice A version may still be used this long after a newer one: agents' data are at most as old.
    uint256 public constant HANDOVER_SECONDS = 6 hours;

    uint256 public seatVersion;
    mapping(uint256 version => Version) private _versions;
    mapping(bytes32 tableHash => uint256) public versionOf;

    event SeatTableChanged(uint256 indexed version, bytes32 tableHash, bool usable);
    event Seated(uint256 indexed version, uint256 indexed agentId, address wallet, bytes32 operator, bytes32 family, bytes32 dataSource);
    event Unseated(uint256 indexed version, uint256 indexed agentId);

    error AlreadySeated(uint256 agentId);
    error NotSeated(uint256 agentId);
    error NoWallet(uint256 agentId);
    error WalletTaken(address wallet);
    error OperatorHoldsTooMany(bytes32 operator, uint256 seats, uint256 allowed);
    error TooManySeats(uint256 seats, uint256 allowed);
    error UnknownSeatTable(bytes32 tableHash);
    error SeatTableNotUsable(uint256 version);
    error SeatTableSuperseded(uint256 version, uint256 supersededAt);
    error TooFewSigners(uint256 signers, uint256 needed);
    error SignersNotAscending(address previous, address signer);
    error SignerNotSeated(address signer);
    error BadSignature(address signer);
    error SignaturesMissing(uint256 signers, uint256 signatures);
    error SignersNotDiverse();

    constructor(address owner) Ownable(owner) {}

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
        if (!_isSeated(agentId)) revert NotSeated(agentId);
        _vacateIfSeated(agentId);
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

    function isSeatedAt(uint256 version, address wallet) public view returns (bool) {
        (bool found,) = _find(version, wallet);
        return found;
    }

    function faultsOf(uint256 version) public view returns (uint256) {
        uint256 seats = _versions[version].seats.length;
        return seats == 0 ? 0 : (seats - 1) / 3;
    }

    function signersNeeded(uint256 version) public view returns (uint256) {
        return (2 * _versions[version].seats.length + 3) / 3;
    }

    /// @notice Reverts unless `signatures` over `digest` are a quorum of the table, of diverse origin.
    /// @dev Signers ascend strictly, so that none counts twice. A signer must hold a seat in the table of the
    /// digest and in the newest one. Diverse: two operators, two families, two data sources.
    /// @return faults f of the table.
    function requireQuorum(
        bytes32 digest,
        bytes32 tableHash,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external view returns (uint256 faults) {
        uint256 version = _requireLive(tableHash);
        if (signers.length != signatures.length) revert SignaturesMissing(signers.length, signatures.length);
        if (signers.length < signersNeeded(version)) revert TooFewSigners(signers.length, signersNeeded(version));
        for (uint256 i; i < signers.length; ++i) {
            address previous = i == 0 ? address(0) : signers[i - 1];
            if (signers[i] <= previous) revert SignersNotAscending(previous, signers[i]);
            if (!SignatureChecker.isValidSignatureNowCalldata(signers[i], digest, signatures[i])) {
                revert BadSignature(signers[i]);
            }
        }
        _requireDiverse(version, signers);
        return faultsOf(version);
    }

    function getAgentWallet(uint256 agentId) public view virtual returns (address);

    function _uagentHash(uint256 agentId) internal view virtual returns (bytes32);

    function _vacateIfSeated(uint256 agentId) internal {
        if (!_isSeated(agentId)) return;
        Version storage next = _copyToNext();
        uint256 last = next.seats.length - 1;
        for (uint256 i; i <= last; ++i) {
            if (next.seats[i].agentId == agentId) {
                for (uint256 j = i; j < last; ++j) next.seats[j] = next.seats[j + 1];
                break;
            }
        }
        next.seats.pop();
        emit Unseated(seatVersion + 1, agentId);
        _publish(next);
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
        Seat memory first = _requireSeated(version, signers[0]);
        (bool operators, bool families, bool sources) = (false, false, false);
        for (uint256 i = 1; i < signers.length; ++i) {
            Seat memory held = _requireSeated(version, signers[i]);
            operators = operators || held.operator != first.operator;
            families = families || held.family != first.family;
            sources = sources || held.dataSource != first.dataSource;
        }
        if (!operators || !families || !sources) revert SignersNotDiverse();
    }

    function _requireSeated(uint256 version, address signer) private view returns (Seat memory) {
        (bool then, Seat memory held) = _find(version, signer);
        if (!then || !isSeatedAt(seatVersion, signer)) revert SignerNotSeated(signer);
        return held;
    }

    function _find(uint256 version, address wallet) private view returns (bool, Seat memory held) {
        Seat[] storage seats = _versions[version].seats;
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].wallet == wallet) return (true, seats[i]);
        }
        return (false, held);
    }

    function _isSeated(uint256 agentId) private view returns (bool) {
        Seat[] storage seats = _versions[seatVersion].seats;
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].agentId == agentId) return true;
        }
        return false;
    }

    function _copyToNext() private returns (Version storage next) {
        next = _versions[seatVersion + 1];
        Seat[] storage seats = _versions[seatVersion].seats;
        for (uint256 i; i < seats.length; ++i) next.seats.push(seats[i]);
    }

    /// @dev Keeps seats ascending by agent id.
    function _add(Version storage next, SeatRequest calldata request) private {
        address wallet = getAgentWallet(request.agentId);
        if (wallet == address(0)) revert NoWallet(request.agentId);
        Seat[] storage seats = next.seats;
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].agentId == request.agentId) revert AlreadySeated(request.agentId);
            if (seats[i].wallet == wallet) revert WalletTaken(wallet);
        }
        if (seats.length == MOST_SEATS) revert TooManySeats(seats.length + 1, MOST_SEATS);
        seats.push(
            Seat(
                request.agentId,
                wallet,
                _uagentHash(request.agentId),
                request.operator,
                request.family,
                request.dataSource
            )
        );
        for (uint256 i = seats.length - 1; i > 0 && seats[i - 1].agentId > seats[i].agentId; --i) {
            (Seat memory left, Seat memory right) = (seats[i - 1], seats[i]);
            (seats[i - 1], seats[i]) = (right, left);
        }
        emit Seated(
            seatVersion + 1, request.agentId, wallet, request.operator, request.family, request.dataSource
        );
    }

    function _publish(Version storage next) private {
        if (seatVersion != 0) _versions[seatVersion].supersededAt = uint64(block.timestamp);
        uint256 version = ++seatVersion;
        (, uint256 most) = _largestOperator(next.seats);
        next.usable = next.seats.length >= SMALLEST_TABLE && most <= faultsOf(version);
        next.tableHash = keccak256(abi.encode(block.chainid, address(this), version, next.seats));
        versionOf[next.tableHash] = version;
        emit SeatTableChanged(version, next.tableHash, next.usable);
    }

    /// @dev Smaller tables are allowed while seats are being filled; nobody can propose with them.
    function _requireSpread(Version storage table) private view {
        if (table.seats.length < SMALLEST_TABLE || table.usable) return;
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
}
