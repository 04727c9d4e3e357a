// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Change, FieldLimits, Guardrails} from "../src/guardrails/Guardrails.sol";
import {Lanes} from "../src/guardrails/Lanes.sol";
import {Field, Lane, Parameters} from "../src/types/ParameterTypes.sol";

/// @notice Opens the rules to many vectors in one call. For tests; meant for eth_call, keeps nothing.
contract GuardrailHarness {
    /// @dev `isRamp`: the whole of a ramp, which has no step.
    struct Vector {
        bool isRamp;
        Field field;
        uint256 current;
        uint256 proposed;
        FieldLimits limits;
        Change[] changes;
    }

    struct Measures {
        uint256 stepUp;
        uint256 stepDown;
        int256 moved;
        uint256 usedUp;
        uint256 usedDown;
    }

    Change[] private _changes;

    /// @return refusals Selector of the error per vector; zero when allowed.
    function check(Vector[] calldata vectors) external returns (bytes4[] memory refusals) {
        refusals = new bytes4[](vectors.length);
        for (uint256 i; i < vectors.length; ++i) {
            _load(vectors[i].changes);
            try this.one(vectors[i]) {}
            catch (bytes memory reason) {
                refusals[i] = bytes4(reason);
            }
        }
    }

    function measure(Vector[] calldata vectors) external returns (Measures[] memory found) {
        found = new Measures[](vectors.length);
        for (uint256 i; i < vectors.length; ++i) {
            Vector calldata v = vectors[i];
            _load(v.changes);
            found[i] = Measures(
                Guardrails.largestStepUp(v.current, v.limits),
                Guardrails.smallestStepDown(v.current, v.limits),
                Guardrails.moved(v.current, v.proposed, v.limits),
                Guardrails.budgetUsed(_changes, true),
                Guardrails.budgetUsed(_changes, false)
            );
        }
    }

    function one(Vector calldata v) external view {
        if (v.isRamp) Guardrails.requireRampAllowed(v.field, v.current, v.proposed, v.limits, _changes);
        else Guardrails.requireAllowed(v.field, v.current, v.proposed, v.limits, _changes);
    }

    /// @return refusals Selector of the soundness error per vector; zero when sound.
    function soundness(Parameters[] calldata vectors) external view returns (bytes4[] memory refusals) {
        refusals = new bytes4[](vectors.length);
        for (uint256 i; i < vectors.length; ++i) {
            try this.sound(vectors[i]) {}
            catch (bytes memory reason) {
                refusals[i] = bytes4(reason);
            }
        }
    }

    function sound(Parameters calldata p) external pure {
        Guardrails.requireSound(p);
    }

    /// @return allowed Whether each pair of vectors moves coupled fields together.
    function coupling(Parameters[] calldata current, Parameters[] calldata proposed, uint256 marginBps)
        external
        view
        returns (bool[] memory allowed)
    {
        allowed = new bool[](current.length);
        for (uint256 i; i < current.length; ++i) {
            try this.coupled(current[i], proposed[i], marginBps) {
                allowed[i] = true;
            } catch {}
        }
    }

    function coupled(Parameters calldata current, Parameters calldata proposed, uint256 marginBps) external pure {
        Lanes.requireCoupled(current, proposed, marginBps);
    }

    function lanes(Parameters[] calldata current, Parameters[] calldata proposed, uint256[] calldata supplied)
        external
        pure
        returns (Lane[] memory found)
    {
        found = new Lane[](current.length);
        for (uint256 i; i < current.length; ++i) {
            found[i] = Lanes.laneOf(current[i], proposed[i], supplied[i]);
        }
    }

    /// @notice The whole vector that follows from each threshold.
    function followed(Parameters[] calldata current, uint256[] calldata thresholds, uint256 marginBps)
        external
        pure
        returns (Parameters[] memory found)
    {
        found = new Parameters[](current.length);
        for (uint256 i; i < current.length; ++i) {
            found[i] = Lanes.withThreshold(current[i], thresholds[i], marginBps);
        }
    }

    function _load(Change[] calldata changes) private {
        delete _changes;
        for (uint256 i; i < changes.length; ++i) _changes.push(changes[i]);
    }
}
