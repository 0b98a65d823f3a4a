import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cifarCnn, encodeSafetensors, toOnnx, toPyTorch } from "@cifar/cnn";
import { RandomStream, STREAMS } from "@cifar/tensor";
import type { ContestantSpec } from "./contestant.js";
import type { PrepareRequest, Task } from "./protocol.js";

/** CIFAR-10's, as every contestant gets it. */
const MEAN = [0.4914, 0.4822, 0.4465];
const DEVIATION = [0.2023, 0.1994, 0.201];

/** Writes the weights and pictures of a task to a temporary folder: the network as initialised by seed 0, noise as pictures. */
export async function writeTask(task: Task, batch: number, threads: number): Promise<PrepareRequest["prepare"]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  const weights = join(folder, "weights.safetensors");
  const input = join(folder, "input.safetensors");
  const model = cifarCnn({ seed: 0 });
  await writeFile(weights, encodeSafetensors(toPyTorch(model)));
  const onnx = join(folder, "network.onnx");
  await writeFile(onnx, toOnnx(model));
  await writeFile(input, encodePictures(batch));
  return { task, batch, threads, weights, onnx, input };
}

function encodePictures(batch: number): Uint8Array {
  const random = new RandomStream({ seed: 0, stream: STREAMS.data });
  const pixels = Uint8Array.from({ length: batch * 32 * 32 * 3 }, () => random.nextBelow(256));
  const labels = Int32Array.from({ length: batch }, () => random.nextBelow(10));
  const planes = new Float32Array(pixels.length);
  for (let n = 0; n < batch; n++) {
    for (let p = 0; p < 1024; p++) {
      for (let c = 0; c < 3; c++) {
        const value = pixels[(n * 1024 + p) * 3 + c]! / 255;
        planes[(n * 3 + c) * 1024 + p] = (value - MEAN[c]!) / DEVIATION[c]!;
      }
    }
  }
  return encodeSafetensors(
    new Map([
      ["pixels", { dtype: "U8", shape: [batch, 32, 32, 3], data: pixels }],
      ["input", { dtype: "F32", shape: [batch, 3, 32, 32], data: planes }],
      ["labels", { dtype: "I32", shape: [batch], data: labels }],
    ]),
    {},
  );
}

const agent = fileURLToPath(new URL("./agents/ours.js", import.meta.url));
const peers = fileURLToPath(new URL("../peers/", import.meta.url));

/** Ours first, then everyone who may take part; who cannot says so itself. */
export function contestants(): readonly ContestantSpec[] {
  const node = process.execPath;
  const python = process.env["PYTHON"] ?? "/usr/bin/python3";
  const peer = (name: string, file: string): ContestantSpec => ({
    name,
    command: node,
    arguments: [`${peers}${file}`],
  });
  return [
    { name: "@cifar/cnn", command: node, arguments: [agent] },
    { name: "PyTorch (native)", command: python, arguments: [`${peers}pytorch.py`] },
    peer("onnxruntime-node (native)", "onnxruntime-node.mjs"),
    peer("onnxruntime-web (wasm)", "onnxruntime-web.mjs"),
    peer("tfjs (wasm)", "tfjs-wasm.mjs"),
    peer("tfjs (plain JavaScript)", "tfjs-cpu.mjs"),
    peer("jax-js (wasm)", "jax-js.mjs"),
    peer("convnetjs (plain JavaScript)", "convnetjs.mjs"),
  ];
}
