#!/usr/bin/env node
// npm links commands when it installs, which in a clone of the repository is before anything has been built.
import { existsSync } from "node:fs";

const program = new URL("../dist/bin.js", import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write("cifar-serve: not built yet: run npm run build first\n");
  process.exitCode = 1;
}
