// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Execution, Executions} from "../src/guardrails/Executions.sol";
import {FieldLimits, Guardrails} from "../src/guardrails/Guardrails.sol";
import {Change} from "../src/guardrails/LimitBook.sol";
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

    Execution[] private _history;

    /// @return refusals Selector of the error per vector; zero when allowed.
    function examine(Vector[] calldata vectors)
        external
        returns (bytes4[] memory refusals, Measures[] memory found)
    {
        (refusals, found) = (new bytes4[](vectors.length), new Measures[](vectors.length));
        for (uint256 i; i < vectors.length; ++i) {
            Vector calldata v = vectors[i];
            _load(v.field, v.changes);
            try this.one(v) {}
            catch (bytes memory reason) {
                refusals[i] = bytes4(reason);
            }
            FieldLimits memory limits = v.limits;
            found[i] = Measures(
                Guardrails.largestStepUp(v.current, limits),
                Guardrails.smallestStepDown(v.current, limits),
                Guardrails.moved(v.current, v.proposed, limits),
                Guardrails.budgetUsed(v.field, _history, true),
                Guardrails.budgetUsed(v.field, _history, false)
            );
        }
    }

    function one(Vector calldata v) external view {
        if (v.isRamp) Guardrails.requireRampAllowed(v.field, v.current, v.proposed, v.limits, _history);
        else Guardrails.requireAllowed(v.field, v.current, v.proposed, v.limits, _history);
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

    /// @dev After the oldest stands a move of another field, which must not count.
    function _load(Field field, Change[] calldata changes) private {
        delete _history;
        Field other = field == Field.LTV ? Field.BORROW_CAP : Field.LTV;
        for (uint256 i; i < changes.length; ++i) {
            Execution empty = Executions.madeAt(changes[i].time);
            _history.push(empty.with(field, changes[i].amount));
            if (i == 0) _history.push(empty.with(other, -changes[i].amount));
        }
    }
}
