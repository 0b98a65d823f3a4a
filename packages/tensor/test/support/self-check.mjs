/**
 * Prints what the self-check of re-vectorisation decides, which flags it sets, and which of the functions that it called
 * after setting them V8 had optimised. Needs `--allow-natives-syntax`. With the argument `true` one kernel gives wrong
 * results once the flag is set; with a second one it is made in steps.
 */
import v8 from "node:v8";
import { enableRevectorization, enableRevectorizationInSteps } from "@cifar/tensor/node";

const [, , spoil, inSteps] = process.argv;
const flags = [];
const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flag) => {
  flags.push(flag);
  setFlagsFromString(flag);
};

const called = new Map();
const { Instance } = WebAssembly;
WebAssembly.Instance = class {
  constructor(module, imports) {
    const { exports } = new Instance(module, imports);
    this.exports = exports;
    if (flags.length === 0) return;
    for (const [name, f] of Object.entries(exports)) called.set(f, name);
    if (spoil === "true" && "draw" in exports) this.exports = { ...exports, draw() {} };
  }
};

let breaths = 0;
const breathe = () => {
  breaths++;
  return new Promise((resolve) => setImmediate(resolve));
};
const decision = inSteps === "true" ? await enableRevectorizationInSteps(breathe) : enableRevectorization();
const isOptimised = new Function("f", "return %IsTurboFanFunction(f)");
const others = [...called].filter(([f]) => !isOptimised(f)).map(([, name]) => name);
console.log(JSON.stringify({ ...decision, flags, optimised: called.size - others.length, others, breaths }));
