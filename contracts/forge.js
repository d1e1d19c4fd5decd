#!/usr/bin/env node
// Runs forge and ends as it ended. The npm package's own launcher ends with 0 whatever forge says, and a
// test that cannot fail is none.
const { spawnSync } = require("node:child_process");
const path = require("node:path");

const MACHINES = { x64: "amd64", arm64: "arm64" };
const SYSTEMS = { linux: "linux", darwin: "darwin", win32: "win32" };

// The binary of this platform, from the optional dependency that npm has installed for it.
function binary() {
  const name = `@foundry-rs/forge-${SYSTEMS[process.platform]}-${MACHINES[process.arch]}`;
  const file = process.platform === "win32" ? "forge.exe" : "forge";
  try {
    return path.join(path.dirname(require.resolve(`${name}/package.json`)), "bin", file);
  } catch {
    process.stderr.write(`forge.js: ${name} is not installed: run \`make setup\` (this platform needs such a package)\n`);
    process.exit(2);
  }
}

if (require.main === module) {
  const ended = spawnSync(binary(), process.argv.slice(2), { stdio: "inherit" });
  if (ended.error) process.stderr.write(`forge.js: ${ended.error.message}\n`);
  process.exit(ended.status ?? 1);
}

module.exports = { binary };
