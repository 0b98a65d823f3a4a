import { sizeOf } from "@cifar/tensor";
import fc from "fast-check";
import type { LayerDescription } from "../../src/layers.js";
import { saveModel } from "../../src/model-file.js";
import { parameterShapes, placeLayers } from "../../src/place.js";
import { Sequential } from "../../src/sequential.js";
import { withHeader } from "../support/hostile.js";

/* Structured lies: files that are right but for what a stranger would change in them. */

/** Where things break: edges of number types, of what arrays may hold, and what is no number. */
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  4,
  5,
  7,
  8,
  16,
  255,
  256,
  1000,
  65_536,
  0.5,
  1e-320,
  1e6,
  1e15,
  2 ** 24,
  2 ** 28,
  2 ** 31,
  2 ** 31 - 1,
  2 ** 32,
  2 ** 32 + 1,
  2 ** 52,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
  -(2 ** 31),
  -1e15,
];

const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.integer({ min: 0, max: 40 }), fc.double());
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "\u001b[2J\u009b",
    "\u2028\u202e",
    "\ud800",
    "conv2d",
    "0.weight",
    "F32",
  ),
  fc.integer({ min: 1, max: 300_000 }).map((length) => "x".repeat(length)),
);

export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  number,
  text,
  fc.constantFrom(null, true, false, [], {}, [[]], "NaN", "1e999"),
);

/** Text that is JSON, or nearly: deep, wide, long, cut, with names twice and numbers that there are not. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.json(),
  nasty.map((value) => JSON.stringify(value) ?? "undefined"),
  fc
    .tuple(fc.constantFrom("[", '{"a":', "[[],", '[{"a":'), fc.integer({ min: 1, max: 200_000 }))
    .map(([open, depth]) => open.repeat(depth)),
  fc
    .tuple(fc.constantFrom("[]", "{}", "1", '""', "1e999", '{"a":[]}'), fc.integer({ min: 1, max: 100_000 }))
    .map(([unit, count]) => `[${new Array(count).fill(unit).join()}]`),
  fc.constantFrom(
    '{"a":1,"a":2}',
    '{"input":[2],"input":[3],"layers":[]}',
    "NaN",
    "-",
    '"\\u12"',
    '{"a":1e999}',
    "\u0000",
    "",
  ),
);

/** Any bytes, or a whole file with some of its bytes changed, cut, doubled or moved. */
export function bytesOfAny(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat({ max: file.length - 1 });
  const flips = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  const changed = fc.tuple(flips, fc.boolean()).map(([changes, inHeader]) => {
    const bytes = file.slice();
    // Within the header as often as anywhere.
    for (const [at, value] of changes) bytes[inHeader ? 8 + (at % 600) : at] = value;
    return bytes;
  });
  const moved = fc.tuple(place, place).map(([a, b]) => Uint8Array.from([...file.subarray(0, a), ...file.subarray(b)]));
  const cut = fc.tuple(place, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(([end, length]) => {
    const bytes = file.slice(0, Math.max(end, 8));
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  });
  return fc.oneof({ weight: 5, arbitrary: changed }, fc.uint8Array({ maxLength: 200 }), moved, cut);
}

/** Once in eight cases. */
function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

interface Header {
  [name: string]: Record<string, unknown>;
}

function headerOf(file: Uint8Array): { readonly header: Header; readonly data: Uint8Array } {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
  return { header, data: file.subarray(8 + length) };
}

/** The file with a tensor's description changed: its name, dtype, shape or offsets, or another one beside it. */
export function changedHeader(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const { header, data } = headerOf(file);
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const field = fc.constantFrom("dtype", "shape", "data_offsets", "extra");
  const value = fc.oneof(
    nasty,
    fc.array(number, { maxLength: 12 }),
    fc.tuple(fc.nat({ max: data.length + 8 }), fc.nat({ max: data.length + 8 })),
    fc.constantFrom("F32", "F16", "BF16", "F64", "I64", "U8"),
  );
  const change = fc.record({ name: fc.constantFrom(...names), field, value });
  return fc
    .record({
      changes: fc.array(change, { maxLength: 3 }),
      renamed: seldom(fc.tuple(fc.constantFrom(...names), text)),
      dropped: seldom(fc.constantFrom(...names)),
      whole: seldom(fc.tuple(fc.constantFrom(...names), fc.oneof(nasty, hostileJson))),
      cut: seldom(fc.nat({ max: data.length })),
    })
    .map(({ changes, renamed, dropped, whole, cut }) => {
      const own = new Map<string, unknown>(Object.entries(structuredClone(header)));
      for (const each of changes) {
        const { __proto__: _, ...described } = own.get(each.name) as Record<string, unknown>;
        own.set(each.name, { ...described, [each.field]: each.value });
      }
      if (whole !== null) own.set(...whole);
      if (renamed !== null) {
        own.set(renamed[1], own.get(renamed[0]));
        own.delete(renamed[0]);
      }
      if (dropped !== null) own.delete(dropped);
      const json = `{${[...own].map(([name, described]) => `${JSON.stringify(name)}:${JSON.stringify(described) ?? 0}`).join()}}`;
      return withHeader(json, cut === null ? data : data.subarray(0, cut));
    });
}

/** The file with what it says of itself changed: one text of its metadata for another, or a value within it. */
export function hostileCard(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const { header, data } = headerOf(file);
  const metadata = header["__metadata__"] as Record<string, string>;
  const lie = fc.oneof(
    hostileJson.map((json) => () => json),
    fc.tuple(fc.nat(), nasty).map(([at, value]) => (before: string) => {
      // Any number or word of it.
      const parts = before.split(/(-?\d[\d.e+-]*|"[^"]*")/);
      const place = 1 + 2 * (at % Math.max(1, Math.floor(parts.length / 2)));
      return parts.with(Math.min(place, parts.length - 1), JSON.stringify(value) ?? "0").join("");
    }),
  );
  return fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(metadata)), text), lie).map(([name, change]) =>
    withHeader(
      JSON.stringify({
        ...header,
        __metadata__: { ...metadata, [name]: change(Object.hasOwn(metadata, name) ? metadata[name]! : "") },
      }),
      data,
    ),
  );
}

const side = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) }, { weight: 1, arbitrary: number });
const layer: fc.Arbitrary<LayerDescription> = fc.oneof(
  fc.record({ type: fc.constant("conv2d" as const), filters: side, kernel: side, stride: side, padding: side }),
  fc.record({ type: fc.constant("maxPool2d" as const), size: side, stride: side }),
  fc.record({ type: fc.constant("dropout" as const), rate: fc.oneof(fc.constantFrom(0, 0.5, 0.999, 1), number) }),
  fc.record({ type: fc.constantFrom("relu" as const, "flatten" as const) }),
  fc.record({ type: fc.constant("linear" as const), outputs: side }),
);

/** Weights that a test has time for; larger ones would be as large in the file. */
const MOST_PARAMETERS = 100_000;

interface Described {
  readonly input: readonly number[];
  readonly layers: readonly LayerDescription[];
}

/** Whatever a description may say. */
const anyNetwork: fc.Arbitrary<Described> = fc
  .record({
    input: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(side, side, fc.integer({ min: 1, max: 4 })) },
      { weight: 1, arbitrary: fc.array(side, { maxLength: 10 }) },
    ),
    layers: fc.array(layer, { maxLength: 8 }),
    repeated: fc.oneof(
      { weight: 6, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 3000 }) },
    ),
  })
  .map(({ input, layers, repeated }) => ({ input, layers: Array.from({ length: repeated }, () => layers).flat() }));

const large = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(64, 500, 4096, 20_000, 10 ** 6, 2 ** 31, 2 ** 50) },
);
const some = fc.integer({ min: 1, max: 8 });
const window = fc.oneof(
  fc.record({ type: fc.constant("conv2d" as const), filters: some, kernel: some, stride: large, padding: large }),
  fc.record({ type: fc.constant("maxPool2d" as const), size: large, stride: large }),
  fc.constant({ type: "relu" as const }),
  fc.constant({ type: "dropout" as const, rate: 0.5 }),
);

/** Layers that fit onto each other, of sizes out of all proportion; a last window brings them down to few weights. */
const fittingNetwork: fc.Arbitrary<Described> = fc
  .record({ input: fc.tuple(large, large, some), layers: fc.array(window, { maxLength: 6 }) })
  .map(({ input, layers }) => {
    const fitting: LayerDescription[] = [];
    for (const each of layers) if (outputOf({ input, layers: [...fitting, each] }) !== undefined) fitting.push(each);
    const [height, width] = outputOf({ input, layers: fitting }) ?? input;
    const stride = Math.ceil(Math.max(height!, width!) / 4);
    return { input, layers: [...fitting, { type: "maxPool2d", size: 1, stride }] };
  });

/**
 * Networks that nobody would build, with huge sides, paddings and strides, and weights up to the largest: whole files with a
 * right digest where their weights are few, else their description alone.
 */
export const hostileModel: fc.Arbitrary<Uint8Array> = fc
  .record({
    described: fc.oneof({ weight: 1, arbitrary: anyNetwork }, { weight: 3, arbitrary: fittingNetwork }),
    outputs: fc.integer({ min: 1, max: 5 }),
    weights: fc.constantFrom(0, 0.1, -1, 1e10, 3e38),
  })
  .map(({ described: { input, layers }, outputs, weights }) => {
    const architecture: Described = { input, layers: [...layers, { type: "flatten" }, { type: "linear", outputs }] };
    const classes = Array.from({ length: outputs }, (_, index) => `${index}`);
    const channels = input.at(-1) ?? 0;
    const size = channels >= 1 && channels <= 1000 ? Math.floor(channels) : 1;
    const normalisation = { mean: new Array<number>(size).fill(0), deviation: new Array<number>(size).fill(1) };
    const network = placed(architecture);
    if (network !== undefined) {
      for (const { data } of network.parameters.values()) data.fill(weights);
      return saveModel(network, { classes, normalisation });
    }
    const metadata = {
      format: "cifar-cnn model 1",
      architecture: JSON.stringify(architecture),
      classes: JSON.stringify(classes),
      normalisation: JSON.stringify(normalisation),
    };
    return withHeader(JSON.stringify({ __metadata__: metadata }));
  });

function outputOf(architecture: Described): readonly number[] | undefined {
  try {
    return placeLayers(architecture).at(-1)?.output;
  } catch {
    return undefined;
  }
}

/** The network, if it can be put together and is small enough. */
function placed(architecture: Described): Sequential | undefined {
  try {
    // Placing allocates nothing, so the number of weights is known before they are made.
    const shapes = [...parameterShapes(placeLayers(architecture)).values()];
    if (shapes.reduce((sum, shape) => sum + sizeOf(shape), 0) > MOST_PARAMETERS) return undefined;
    const network = new Sequential(architecture);
    return network.outputShape.length === 1 ? network : undefined;
  } catch {
    return undefined;
  }
}
