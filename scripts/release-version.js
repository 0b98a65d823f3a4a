// Takes up the changesets: versions and changelogs of the packages, and whatever else says a version.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { writeRepository } from "./repository.js";

const run = (program, ...words) => execFileSync(program, words, { stdio: "inherit" });
const versionOf = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;

const before = versionOf("packages/faas-handler");
run("npx", "changeset", "version");
const after = versionOf("packages/faas-handler");
// The bundled function has no package.json to read its version from, and the example is no workspace.
for (const file of ["packages/faas-handler/src/version.ts", "stack.yaml", "examples/openfaas-node/package.json"]) {
  writeFileSync(file, readFileSync(file, "utf8").replace(before, after));
}
writeRepository();
run("npm", "install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved");
run("npm", "run", "build");
run("npm", "run", "template", "--workspace", "@cifar/faas-handler");
