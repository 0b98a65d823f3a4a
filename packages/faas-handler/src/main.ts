import { runProgram } from "./program.js";

process.exit(await runProgram(process.env));
