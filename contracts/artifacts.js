#!/usr/bin/env node
// Compiles the contracts and writes what the Rust build needs of them into crates/bindings/artifacts:
// the creation bytecode of each contract, the custom errors of all, and the hash of the sources
// that they were made from. `crates/bindings` refuses artefacts that are older than the sources.
//
// `--check` compiles and compares without writing: exit status 1 if anything differs.
const { execFileSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { keccak256 } = require("js-sha3");
const forge = require("./forge.js");

const ROOT = __dirname;
const OUT = path.join(ROOT, "..", "crates", "bindings", "artifacts");
const CHECK = process.argv.includes("--check");

// Paths of all files below `folder`, relative to the root, sorted.
function filesBelow(folder) {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
}

// SHA-256 over path, length and bytes of every source, and of what fixes the compiler.
function sourcesHash(sources) {
  const hash = createHash("sha256");
  for (const file of [...sources, "foundry.toml", "package-lock.json"]) {
    const bytes = fs.readFileSync(path.join(ROOT, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function compile() {
  try {
    execFileSync(forge.binary(), ["build", "--skip", "test"], { cwd: ROOT, stdio: "pipe", maxBuffer: 1 << 28 });
  } catch (error) {
    process.stderr.write(error.stderr ?? "");
    throw new Error("the contracts do not compile");
  }
}

// What forge has written for a contract.
function compiled(source, contract) {
  const file = path.join(ROOT, "out", path.basename(source), `${contract}.json`);
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

function typeOf(input) {
  return input.type.startsWith("tuple")
    ? `(${input.components.map(typeOf).join(",")})${input.type.slice("tuple".length)}`
    : input.type;
}

function collectErrors(abi, errors) {
  for (const item of abi.filter(({ type }) => type === "error")) {
    const signature = `${item.name}(${item.inputs.map(typeOf).join(",")})`;
    errors[`0x${keccak256(signature).slice(0, 8)}`] = signature;
  }
}

function build() {
  const sources = filesBelow("src").filter((file) => file.endsWith(".sol"));
  const hash = sourcesHash(sources);
  compile();
  const files = new Map();
  const errors = {};
  // A contract has its file's name; interfaces, libraries and abstract contracts are not deployed.
  for (const source of sources.filter((file) => !file.startsWith("src/interfaces/"))) {
    const contract = path.basename(source, ".sol");
    if (!fs.existsSync(path.join(ROOT, "out", `${contract}.sol`, `${contract}.json`))) continue;
    const { abi, bytecode } = compiled(source, contract);
    collectErrors(abi, errors);
    if (source.startsWith("src/lib/") || bytecode.object === "0x") continue;
    if (Object.keys(bytecode.linkReferences).length !== 0) {
      throw new Error(`${contract} has libraries to link, expected none`);
    }
    files.set(`${contract}.json`, { contract, source, creation: bytecode.object });
  }
  const sorted = Object.fromEntries(Object.entries(errors).sort());
  files.set("errors.json", sorted);
  files.set("sources.json", { sha256: hash, contracts: [...files.keys()].slice(0, -1).sort() });
  if (sourcesHash(filesBelow("src").filter((file) => file.endsWith(".sol"))) !== hash) {
    throw new Error("the sources changed while they were compiled: run this again");
  }
  return files;
}

function main() {
  const files = build();
  const stale = fs.existsSync(OUT) ? fs.readdirSync(OUT).filter((name) => !files.has(name)) : [];
  const differing = [...stale];
  fs.mkdirSync(OUT, { recursive: true });
  for (const [name, content] of files) {
    const text = `${JSON.stringify(content, null, 1)}\n`;
    const file = path.join(OUT, name);
    if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) continue;
    differing.push(name);
    if (!CHECK) fs.writeFileSync(file, text);
  }
  if (!CHECK) stale.forEach((name) => fs.unlinkSync(path.join(OUT, name)));
  console.log(`artifacts: ${files.size - 2} contracts, ${differing.length} files ${CHECK ? "differ" : "written"}`);
  if (CHECK && differing.length !== 0) process.exit(1);
}

try {
  main();
} catch (error) {
  console.error(`artifacts: ${error.message}`);
  process.exit(2);
}
