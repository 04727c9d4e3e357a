// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CometDouble} from "./CometDouble.sol";
import {AssetConfig, CometTerms, Configuration} from "./CometTerms.sol";

/// @notice A double of Compound III's Configurator, for tests.
/// @dev What it keeps: names, signatures, events and who may call.  Values are inert here until somebody calls
/// `deployAndUpgradeTo`: nothing is checked when they are written, and whoever upgrades next makes all of
/// them live, those of others among them.  What it leaves out: every setter that no adapter of ours calls,
/// a factory that does the work, the pause of the market admin.
contract CometConfiguratorDouble {
    address public governor;
    address public marketAdmin;
    mapping(address cometProxy => Configuration) private _configurations;
    mapping(address cometProxy => address) public factory;

    event CometDeployed(address indexed cometProxy, address indexed newComet);
    event UpdateAssetBorrowCollateralFactor(
        address indexed cometProxy, address indexed asset, uint64 oldBorrowCF, uint64 newBorrowCF
    );
    event UpdateAssetLiquidateCollateralFactor(
        address indexed cometProxy, address indexed asset, uint64 oldLiquidateCF, uint64 newLiquidateCF
    );
    event UpdateAssetLiquidationFactor(
        address indexed cometProxy, address indexed asset, uint64 oldLiquidationFactor, uint64 newLiquidationFactor
    );
    event UpdateAssetSupplyCap(
        address indexed cometProxy, address indexed asset, uint128 oldSupplyCap, uint128 newSupplyCap
    );

    error AssetDoesNotExist();
    error Unauthorized();

    modifier governorOrMarketAdmin() {
        if (msg.sender != governor && msg.sender != marketAdmin) revert Unauthorized();
        _;
    }

    constructor(address governor_) {
        governor = governor_;
    }

    /// @dev The real one asks a contract of its own who the market admin is.
    function setMarketAdmin(address marketAdmin_) external {
        if (msg.sender != governor) revert Unauthorized();
        marketAdmin = marketAdmin_;
    }

    /// @dev Kept, and not asked: this double makes implementations itself.
    function setFactory(address cometProxy, address newFactory) external {
        if (msg.sender != governor) revert Unauthorized();
        factory[cometProxy] = newFactory;
    }

    function setConfiguration(address cometProxy, Configuration calldata next) external {
        if (msg.sender != governor) revert Unauthorized();
        _configurations[cometProxy] = next;
    }

    function updateAssetBorrowCollateralFactor(address cometProxy, address asset, uint64 newBorrowCF)
        external
        governorOrMarketAdmin
    {
        AssetConfig storage config = _assetConfig(cometProxy, asset);
        emit UpdateAssetBorrowCollateralFactor(cometProxy, asset, config.borrowCollateralFactor, newBorrowCF);
        config.borrowCollateralFactor = newBorrowCF;
    }

    function updateAssetLiquidateCollateralFactor(address cometProxy, address asset, uint64 newLiquidateCF)
        external
        governorOrMarketAdmin
    {
        AssetConfig storage config = _assetConfig(cometProxy, asset);
        emit UpdateAssetLiquidateCollateralFactor(cometProxy, asset, config.liquidateCollateralFactor, newLiquidateCF);
        config.liquidateCollateralFactor = newLiquidateCF;
    }

    function updateAssetLiquidationFactor(address cometProxy, address asset, uint64 newLiquidationFactor)
        external
        governorOrMarketAdmin
    {
        AssetConfig storage config = _assetConfig(cometProxy, asset);
        emit UpdateAssetLiquidationFactor(cometProxy, asset, config.liquidationFactor, newLiquidationFactor);
        config.liquidationFactor = newLiquidationFactor;
    }

    function updateAssetSupplyCap(address cometProxy, address asset, uint128 newSupplyCap)
        external
        governorOrMarketAdmin
    {
        AssetConfig storage config = _assetConfig(cometProxy, asset);
        emit UpdateAssetSupplyCap(cometProxy, asset, config.supplyCap, newSupplyCap);
        config.supplyCap = newSupplyCap;
    }

    /// @notice What is written, live or not.
    function getConfiguration(address cometProxy) external view returns (Configuration memory) {
        return _configurations[cometProxy];
    }

    /// @notice Deploys an implementation from what is written; anybody may, for it is live only by an upgrade.
    function deploy(address cometProxy) external returns (address newComet) {
        newComet = address(new CometTerms(_configurations[cometProxy]));
        emit CometDeployed(cometProxy, newComet);
    }

    function _assetConfig(address cometProxy, address asset) private view returns (AssetConfig storage) {
        AssetConfig[] storage configs = _configurations[cometProxy].assetConfigs;
        for (uint256 i; i < configs.length; ++i) {
            if (configs[i].asset == asset) return configs[i];
        }
        revert AssetDoesNotExist();
    }
}

/// @notice A double of Compound III's CometProxyAdmin: the one who may upgrade Comet.
contract CometProxyAdminDouble {
    address public owner;
    address public marketAdmin;

    error Unauthorized();

    constructor(address owner_) {
        owner = owner_;
    }

    function setMarketAdmin(address marketAdmin_) external {
        if (msg.sender != owner) revert Unauthorized();
        marketAdmin = marketAdmin_;
    }

    function deployAndUpgradeTo(address configuratorProxy, address cometProxy) external {
        if (msg.sender != owner && msg.sender != marketAdmin) revert Unauthorized();
        address newComet = CometConfiguratorDouble(configuratorProxy).deploy(cometProxy);
        CometDouble(cometProxy).upgradeTo(CometTerms(newComet));
    }
}
