import { checkProgram, runProgram } from "./program.js";

// Without await at the top level: the bundle is CommonJS, which starts sooner.
void (process.argv.includes("--check") ? checkProgram : runProgram)(process.env).then((code) => process.exit(code));
