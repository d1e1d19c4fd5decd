#!/usr/bin/env node
// Lets forge use the wasm build of solc that npm carries: it answers `--version` and
// `--standard-json` as the native binary does. Imports are inlined by forge beforehand.
const solc = require("solc");

const args = process.argv.slice(2);
if (args.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface");
  console.log(`Version: ${solc.version()}`);
} else if (args.includes("--standard-json")) {
  let input = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (part) => (input += part));
  process.stdin.on("end", () => process.stdout.write(solc.compile(input)));
} else {
  console.error(`solc.js: expected --version or --standard-json, found: ${args.join(" ") || "nothing"}`);
  process.exit(1);
}
