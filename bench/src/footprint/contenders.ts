import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** One of those whose weight is measured. */
export interface Contender {
  /** As tables name it. */
  readonly name: string;
  /** What `npm install` takes; ours is packed from this repository instead. */
  readonly packages: readonly string[] | "ours";
  /** Its program under measurement, as in `infer`; or why it cannot be started. */
  readonly agent: string | { readonly cannot: string };
  /** What a page needs to classify with it; undefined where it does not run in browsers. */
  readonly page?: {
    readonly program: string;
    /** WebAssembly that is fetched at run time, under node_modules. */
    readonly wasm: readonly string[];
  };
}

const peers = new URL("../../peers/", import.meta.url);
const { dependencies } = JSON.parse(readFileSync(new URL("package.json", peers), "utf8")) as {
  dependencies: Readonly<Record<string, string>>;
};

/** A package in the version that the other suites measure. */
function pinned(name: string): string {
  return `${name}@${dependencies[name]}`;
}

function peer(file: string): string {
  return fileURLToPath(new URL(file, peers));
}

/** What a page with tfjs calls to build the network from weights and to classify. */
const TFJS = 'export { layers, ready, sequential, setBackend, tensor } from "@tensorflow/tfjs";';

/** Ours first. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "@cifar/cnn",
    packages: "ours",
    agent: fileURLToPath(new URL("../agents/ours.js", import.meta.url)),
    page: { program: 'export { createPredictor, loadModel } from "@cifar/cnn";', wasm: [] },
  },
  {
    name: "tfjs (plain JavaScript)",
    packages: [pinned("@tensorflow/tfjs")],
    agent: peer("tfjs-cpu.mjs"),
    page: { program: TFJS, wasm: [] },
  },
  {
    name: "tfjs (wasm)",
    packages: [pinned("@tensorflow/tfjs"), pinned("@tensorflow/tfjs-backend-wasm")],
    agent: peer("tfjs-wasm.mjs"),
    page: {
      program: `${TFJS} import "@tensorflow/tfjs-backend-wasm";`,
      wasm: ["@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
    },
  },
  {
    name: "tfjs-node (native)",
    // Of tfjs's own version; its add-on is no part of the package.
    packages: [`@tensorflow/tfjs-node@${dependencies["@tensorflow/tfjs"]}`],
    agent: { cannot: "its native library is no part of what npm brings: an install script downloads it" },
  },
  {
    name: "onnxruntime-web (wasm)",
    packages: [pinned("onnxruntime-web")],
    agent: peer("onnxruntime-web.mjs"),
    page: {
      program: 'export { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";',
      wasm: ["onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"],
    },
  },
  {
    name: "onnxruntime-node (native)",
    packages: [pinned("onnxruntime-node")],
    agent: peer("onnxruntime-node.mjs"),
  },
];
