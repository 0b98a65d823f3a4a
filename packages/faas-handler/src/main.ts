import { checkProgram, runProgram } from "./program.js";

process.exit(await (process.argv.includes("--check") ? checkProgram : runProgram)(process.env));
