// Compiles src/, test/ and the planted bugs of mutants.toml into artifacts/.
//
//   node compile.mjs              everything
//   node compile.mjs --no-mutants sources only (quick, while writing)
//
// Output depends on sources and compiler alone: no paths, no times, no metadata hash.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  metadata: { bytecodeHash: "none", appendCBOR: false },
};
const largestRuntimeBytes = 24_576;
// Internal libraries and interfaces leave next to nothing behind.
const smallestContractBytes = 200;

const read = (path) => readFileSync(join(here, path), "utf8");
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const solFiles = (folder) =>
  readdirSync(join(here, folder), { recursive: true }).filter((n) => n.endsWith(".sol")).sort().map((n) => `${folder}/${n}`);

function findImport(path) {
  try {
    return { contents: read(path.startsWith("@") ? `node_modules/${path}` : path) };
  } catch {
    return { error: `${path} not found` };
  }
}

function compile(sources, selection) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: { ...settings, outputSelection: selection },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  const warnings = (output.errors ?? []).filter((e) => e.severity === "warning" && /^(src|test)\//.test(e.sourceLocation?.file ?? ""));
  for (const warning of warnings) console.error(warning.formattedMessage);
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  return output.contracts;
}

// The small part of TOML that mutants.toml uses: [[mutant]] tables of single-line or ''' strings.
function parseMutants(text) {
  const mutants = [];
  for (const block of text.split(/^\[\[mutant\]\]$/m).slice(1)) {
    const mutant = {};
    for (const [, key, multi, single] of block.matchAll(/^(\w+) = (?:'''\n?([\s\S]*?)'''|"(.*)")$/gm)) {
      mutant[key] = multi ?? single;
    }
    mutants.push(mutant);
  }
  return mutants;
}

const everything = { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } };

// Every source from which `file` is reached by imports, itself among them.
function dependants(sources, file) {
  const reached = new Set([file]);
  for (let before = 0; before !== reached.size; ) {
    before = reached.size;
    for (const [path, text] of Object.entries(sources)) {
      for (const [, imported] of text.matchAll(/from "(\.[^"]+)";/g)) {
        if (reached.has(posix.normalize(`${posix.dirname(path)}/${imported}`))) reached.add(path);
      }
    }
  }
  return [...reached];
}

function concrete(contracts, folder) {
  const found = [];
  for (const [source, byName] of Object.entries(contracts)) {
    if (!source.startsWith(`${folder}/`)) continue;
    for (const [name, contract] of Object.entries(byName)) {
      const isLibrary = contract.evm.bytecode.object.length < 2 * smallestContractBytes;
      if (!isLibrary) found.push([name, source, contract]);
    }
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

const outputs = new Map();
const write = (path, value) => outputs.set(path, `${JSON.stringify(value, null, 1)}\n`);

// Only what differs is touched, and only at the end: others may be reading.
function publish(folders) {
  for (const folder of folders) {
    mkdirSync(join(here, folder), { recursive: true });
    for (const name of readdirSync(join(here, folder)).filter((n) => n.endsWith(".json"))) {
      if (!outputs.has(`${folder}/${name}`)) rmSync(join(here, folder, name));
    }
  }
  for (const [path, text] of outputs) {
    if (existsSync(join(here, path)) && read(path) === text) continue;
    writeFileSync(join(here, `${path}.partial`), text);
    renameSync(join(here, `${path}.partial`), join(here, path));
  }
}

function writeArtifacts(contracts, folder, into) {
  for (const [name, source, contract] of concrete(contracts, folder)) {
    const runtimeBytes = contract.evm.deployedBytecode.object.length / 2;
    if (folder === "src" && runtimeBytes > largestRuntimeBytes) console.error(`${name} has ${runtimeBytes} bytes, allowed ${largestRuntimeBytes}`);
    console.log(`${name.padEnd(24)} ${String(runtimeBytes).padStart(6)} bytes`);
    write(`${into}/${name}.json`, {
      contractName: name,
      sourceName: source,
      sourceSha256: sha256(read(source)),
      compiler: solc.version(),
      runtimeBytes,
      abi: contract.abi,
      bytecode: `0x${contract.evm.bytecode.object}`,
    });
  }
}

const sources = Object.fromEntries([...solFiles("src"), ...solFiles("test")].map((path) => [path, read(path)]));
const real = compile(sources, everything);
writeArtifacts(real, "src", "artifacts");
writeArtifacts(real, "test", "artifacts/test");
const manifest = {
  compiler: solc.version(),
  settings,
  sources: Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, sha256(text)])),
  mutants: sha256(read("mutants.toml")),
};
write("artifacts/manifest.json", manifest);

const folders = ["artifacts", "artifacts/test"];
if (!process.argv.includes("--no-mutants")) {
  folders.push("artifacts/mutants");
  for (const { invariant, file, find, replace } of parseMutants(read("mutants.toml"))) {
    if (sources[file].split(find).length !== 2) throw new Error(`${invariant}: the text to replace stands ${sources[file].split(find).length - 1} times in ${file}`);
    const selection = Object.fromEntries(dependants(sources, file).map((path) => [path, { "*": ["evm.bytecode.object"] }]));
    const mutated = compile({ ...sources, [file]: sources[file].replace(find, () => replace) }, selection);
    const changed = {};
    for (const folder of ["src", "test"]) {
      for (const [name, source, contract] of concrete(mutated, folder)) {
        if (contract.evm.bytecode.object !== real[source][name].evm.bytecode.object) changed[name] = `0x${contract.evm.bytecode.object}`;
      }
    }
    if (!Object.keys(changed).length) throw new Error(`${invariant}: the planted bug changes no bytecode`);
    console.log(`${invariant.padEnd(24)} changes ${Object.keys(changed).join(", ")}`);
    write(`artifacts/mutants/${invariant}.json`, changed);
  }
}
publish(folders);
