// Compiles what tests need of Aave V3.6 from its npm sources, and prints the folder.
//
//   node tools/protocols.mjs
//
// The package ships no bytecode, and its licence forbids us to: what is compiled stays in cache/, which git
// ignores.  The folder's name is a hash of this file and of the locked packages, so a second run has nothing
// to do; it appears whole or not at all.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(here, "cache");
const aave = "@aave-dao/aave-v3-origin/src/contracts";
const packages = ["@aave-dao/aave-v3-origin", "@openzeppelin/contracts", "solc-0.8.27"];
const remappings = [["openzeppelin-contracts/contracts/", "@openzeppelin/contracts/"]];
const wanted = [
  "helpers/AaveProtocolDataProvider",
  "instances/ATokenInstance",
  "instances/PoolConfiguratorInstance",
  "instances/PoolInstance",
  "instances/VariableDebtTokenInstance",
  "misc/AaveOracle",
  "misc/DefaultReserveInterestRateStrategyV2",
  "mocks/oracle/CLAggregators/MockAggregator",
  "mocks/tokens/MintableERC20",
  "mocks/tokens/WETH9Mocked",
  "protocol/configuration/ACLManager",
  "protocol/configuration/PoolAddressesProvider",
  "protocol/libraries/logic/BorrowLogic",
  "protocol/libraries/logic/ConfiguratorLogic",
  "protocol/libraries/logic/FlashLoanLogic",
  "protocol/libraries/logic/LiquidationLogic",
  "protocol/libraries/logic/PoolLogic",
  "protocol/libraries/logic/SupplyLogic",
].map((path) => `${aave}/${path}.sol`);
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    "*": { "*": ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences", "evm.deployedBytecode.object"] },
  },
};
const largestRuntimeBytes = 24_576;

const installed = (path) => readFileSync(join(here, "node_modules", path), "utf8");

function folder() {
  const locked = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8")).packages;
  const hash = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of packages) hash.update(locked[`node_modules/${name}`].integrity);
  return join(cache, `aave-v3.6-${hash.digest("hex").slice(0, 16)}`);
}

function findImport(path) {
  const mapped = remappings.reduce((at, [from, to]) => (at.startsWith(from) ? to + at.slice(from.length) : at), path);
  try {
    return { contents: installed(mapped) };
  } catch {
    return { error: `${mapped} not found; run: npm ci --ignore-scripts` };
  }
}

function compile() {
  const solc = createRequire(import.meta.url)("solc-0.8.27");
  const sources = Object.fromEntries(wanted.map((path) => [path, { content: installed(path) }]));
  const input = { language: "Solidity", sources, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  return output.contracts;
}

function writeArtifact(into, path, contracts) {
  const contractName = path.slice(path.lastIndexOf("/") + 1, -".sol".length);
  const { abi, evm } = contracts[path][contractName];
  const runtimeBytes = evm.deployedBytecode.object.length / 2;
  if (runtimeBytes > largestRuntimeBytes) throw new Error(`${contractName} has ${runtimeBytes} bytes, allowed ${largestRuntimeBytes}`);
  const { object, linkReferences } = evm.bytecode;
  const artifact = { contractName, sourceName: path, abi, bytecode: `0x${object}`, linkReferences };
  writeFileSync(join(into, `${contractName}.json`), JSON.stringify(artifact));
}

const target = folder();
if (!existsSync(target)) {
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, "partial-"));
  try {
    const contracts = compile();
    for (const path of wanted) writeArtifact(partial, path, contracts);
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // another process may have been quicker
    if (!existsSync(target)) throw error;
  }
}
console.log(target);
