// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The governed fields of one market. Field order is that of the EIP-712 struct.
/// @dev Basis points are of 10 000; the bonus is the excess only; caps are base units
/// (supplyCap of the collateral, borrowCap of the debt asset). `isOpen` is 1 while new supply and new borrowing of
/// the asset are open, 0 when it is frozen.
struct Parameters {
    uint256 ltvBps;
    uint256 liquidationThresholdBps;
    uint256 liquidationBonusBps;
    uint256 supplyCap;
    uint256 borrowCap;
    uint256 isOpen;
}

/// @notice What the chain said when the agents looked; compared again at execution.
struct FreshnessSnapshot {
    uint256 oraclePrice;
    uint256 utilisationBps;
    uint256 totalCollateral;
    uint256 totalBorrow;
    uint64 dataTime;
}

/// @notice The message that two thirds of the seats sign. `market` is the adapter's key for what it governs
/// (an asset, an e-mode category). `models` are ids of ModelRegistry, strictly ascending.
struct ParameterUpdate {
    uint64 epoch;
    address market;
    uint32 attempt;
    bytes32 seatTableHash;
    Parameters expected;
    Parameters proposed;
    FreshnessSnapshot snapshot;
    bytes32 positionsRoot;
    uint256 lowBound;
    uint256 highBound;
    bytes32 evidenceRoot;
    bytes32 transcriptRoot;
    uint64 validUntil;
    bytes32[] models;
}

/// @notice What a change does to accounts that exist; decides its lane.
enum Lane {
    NONE,
    FAST,
    RAMP,
    SLOW
}

/// @notice Index of a field in `Parameters`.
enum Field {
    LTV,
    LIQUIDATION_THRESHOLD,
    LIQUIDATION_BONUS,
    SUPPLY_CAP,
    BORROW_CAP,
    IS_OPEN
}

/// @notice Reads fields by index, so that rules are written once for all of them.
library ParameterFields {
    uint256 internal constant COUNT = 6;

    function get(Parameters memory parameters, Field field) internal pure returns (uint256) {
        if (field == Field.LTV) return parameters.ltvBps;
        if (field == Field.LIQUIDATION_THRESHOLD) return parameters.liquidationThresholdBps;
        if (field == Field.LIQUIDATION_BONUS) return parameters.liquidationBonusBps;
        if (field == Field.SUPPLY_CAP) return parameters.supplyCap;
        if (field == Field.BORROW_CAP) return parameters.borrowCap;
        return parameters.isOpen;
    }

    /// @notice The n-th field in the order in which the executable specification checks them.
    function inCheckingOrder(uint256 n) internal pure returns (Field) {
        if (n == 0) return Field.LIQUIDATION_THRESHOLD;
        if (n == 1) return Field.LTV;
        return Field(n);
    }
}
