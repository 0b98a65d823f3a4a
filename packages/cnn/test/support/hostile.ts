import { conv2d, flatten, type LayerDescription, linear, maxPool2d } from "../../src/layers.js";
import { saveModel } from "../../src/model-file.js";
import { Sequential } from "../../src/sequential.js";

const MEBI = 2 ** 20;

/** A safetensors file with this header, however wrong it is. */
export function withHeader(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** A model file without weights: what it says is judged before they are looked for. */
export function describing(metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const card = { format: "cifar-cnn model 1", classes: '["a"]', normalisation: '{"mean":[0],"deviation":[1]}' };
  return withHeader(JSON.stringify({ __metadata__: { ...card, ...metadata } }));
}

/** A network that ends with one class, whole and with a right digest: only its sizes are hostile. */
export function networkFile(input: readonly number[], layers: readonly LayerDescription[], card: object = {}) {
  const model = new Sequential({ input, layers: [...layers, flatten(), linear({ outputs: 1 })] });
  const channels = input.at(-1)!;
  const normalisation = { mean: new Array(channels).fill(0), deviation: new Array(channels).fill(1) };
  return saveModel(model, { classes: ["a"], normalisation, ...card });
}

const many = (unit: string, bytes: number) => unit.repeat(Math.floor(bytes / unit.length));
const names = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":1`).join();
const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`) as object;
const dot = (stride: number, padding = 0) => conv2d({ filters: 1, kernel: 1, stride, padding });

/** Files of a stranger who wants memory or time, with what is to come of them: an error that says this, or an answer. */
export const HOSTILE: readonly (readonly [name: string, file: () => Uint8Array, outcome: RegExp])[] = [
  ["20 MB of brackets", () => withHeader(many("[", 20 * MEBI)), /headerBytes/],
  ["4 MB of brackets", () => withHeader(many("[", 4 * MEBI)), /depth/],
  ["4 MB of empty lists", () => withHeader(`[${many("[],", 4 * MEBI - 8)}1]`), /headerValues/],
  ["4 MB of empty objects", () => withHeader(`[${many("{},", 4 * MEBI - 8)}1]`), /headerValues/],
  ["as many names as there may be", () => withHeader(`{${names(131_000)}}`), /"k0": dtype/],
  ["a text of 10 MB", () => withHeader(`{"__metadata__":{"a":"${"x".repeat(10 * MEBI)}"}}`), /headerBytes/],
  ["a text of 4 MB", () => withHeader(`{"a":"${"x".repeat(4 * MEBI - 10)}"}`), /textLength/],
  ["a text that does not end", () => withHeader(`{"a":"${many('\\"', 2 * MEBI)}`), /not JSON/],
  ["200,000 layers", () => describing({ architecture: `{"input":[2],"layers":[${many("0,", 400_000)}0]}` }), /layers/],
  [
    "a shape of 500,000 sides",
    () => describing({ architecture: `{"input":[${many("1,", 1e6)}1],"layers":[]}` }),
    /no shape/,
  ],
  ["a record within records", () => networkFile([2, 2, 1], [], { training: nested(900) }), /depth/],
  [
    "half a million empty objects",
    () => networkFile([2, 2, 1], [], { training: { a: new Array(5e5).fill({}) } }),
    /answers/,
  ],
  ["a picture of 260 million pixels", () => networkFile([16_384, 16_000, 1], [dot(16_000)]), /activations/],
  ["padding by 10,000", () => networkFile([8, 8, 1], [dot(20_000, 10_000)]), /activations/],
  ["padding by 2^50", () => networkFile([8, 8, 1], [dot(2 ** 51, 2 ** 50)]), /activations/],
  [
    "windows of 250,000 values",
    () => networkFile([1000, 1000, 1], [maxPool2d({ size: 500, stride: 1 }), dot(500)]),
    /flops/,
  ],
  ["a picture as large as there may be", () => networkFile([5100, 4096, 1], [dot(5100)]), /answers/],
  ["padding as far as there may be", () => networkFile([8, 8, 1], [dot(4700, 2280)]), /answers/],
  [
    "as many activations as there may be",
    () =>
      networkFile(
        [128, 128, 1],
        [...new Array<LayerDescription>(19).fill(conv2d({ filters: 64, kernel: 1 })), dot(128)],
      ),
    /answers/,
  ],
];
