import { fileURLToPath } from "node:url";
import { main } from "./cli.js";
import { suites } from "./suites/index.js";

process.exitCode = await main(process.argv.slice(2), {
  suites,
  results: fileURLToPath(new URL("../results/", import.meta.url)),
  docs: fileURLToPath(new URL("../../docs/", import.meta.url)),
  // npm runs this in bench/, but its user stands elsewhere.
  directory: process.env["INIT_CWD"] ?? process.cwd(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
