import { CnnError } from "./errors.js";
import { checkHalves, fromHalves, toHalves } from "./half.js";
import { scanJson } from "./json-scan.js";
import { type FileLimits, limitCheck, type ReadOptions, resolveLimits } from "./limits.js";
import { listed, quoted } from "./printable.js";

/**
 * A tensor of a safetensors file. F16 is held as float32 here: rounded to the nearest half when written, exact when read.
 */
export type SafetensorsTensor =
  | { readonly dtype: "F32" | "F16"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "U8"; readonly shape: readonly number[]; readonly data: Uint8Array }
  | { readonly dtype: "I64"; readonly shape: readonly number[]; readonly data: BigInt64Array };

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

type DType = SafetensorsTensor["dtype"];

const WIDTHS: ReadonlyMap<DType, number> = new Map([
  ["F32", 4],
  ["F16", 2],
  ["I32", 4],
  ["U8", 1],
  ["I64", 8],
]);

/**
 * Bytes of a safetensors file: u64 length of the header, the header (JSON), the tensors' bytes, all little-endian.
 * Format: https://huggingface.co/docs/safetensors
 * @throws CnnError INVALID_ARGUMENT if a tensor has not as many values as its shape, a reserved name, a dtype that there is
 * not, or a value that would be infinite in half precision
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  // The widest first, so that every tensor lies at a multiple of its width, as readers that map files expect.
  for (const [name, { dtype }] of tensors) {
    if (WIDTHS.has(dtype)) continue;
    const known = [...WIDTHS.keys()].join(", ");
    throw new CnnError("INVALID_ARGUMENT", `safetensors: dtype of ${name} must be one of ${known}, not ${dtype}`);
  }
  const entries = [...tensors].sort(([, a], [, b]) => width(b.dtype) - width(a.dtype));
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(["__metadata__", metadata]);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === "__metadata__") throw new CnnError("INVALID_ARGUMENT", `safetensors: the name ${name} is reserved`);
    if (data.length !== product(shape)) {
      throw new CnnError(
        "INVALID_ARGUMENT",
        `safetensors: ${name} of shape [${shape.join(", ")}] has ${data.length} values`,
      );
    }
    if (dtype === "F16") checkHalves(name, data);
    const end = offset + data.length * width(dtype);
    header.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + offset).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  let position = start;
  for (const [, { dtype, data }] of entries) {
    const stored = dtype === "F16" ? toHalves(data) : data;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), position);
    position += stored.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file without trusting it: nothing is allocated by a number in the file before that number has been
 * checked, tensors must cover the data exactly, and names must be unique.
 * @param options `limits`: how large a header may be
 * @throws CnnError INVALID_FILE
 */
export function decodeSafetensors(bytes: Uint8Array, options: ReadOptions = {}): Safetensors {
  const limits = resolveLimits(options);
  if (bytes.length < 8) throw invalid(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const claimed = view.getBigUint64(0, true);
  if (claimed > BigInt(bytes.length - 8)) {
    throw invalid(`no such file, or a cut one: its header claims ${claimed} bytes, the file has ${bytes.length}`);
  }
  const start = 8 + Number(claimed);
  limitCheck("safetensors: the file", limits)("headerBytes", start - 8);
  const header = parseHeader(bytes.subarray(8, start), limits);
  const spans: Span[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = readMetadata(value);
    else spans.push(readSpan(name, value, bytes.length - start));
  }
  checkCover(spans, bytes.length - start);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const span of spans) {
    // A copy, since the values need not be aligned in the file; not by `slice`, which copies nothing in Node's Buffer.
    tensors.set(span.name, readTensor(span, new Uint8Array(bytes.subarray(start + span.begin, start + span.end))));
  }
  return { tensors, metadata };
}

interface Span {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array, limits: FileLimits): object {
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    scanJson({ where: "safetensors: the header", text, limits, counted: "headerValues" });
    header = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof CnnError) throw cause;
    throw invalid("the header is not JSON in UTF-8", cause);
  }
  if (!isObject(header)) throw invalid("the header is no JSON object");
  return header;
}

function readMetadata(value: unknown): Record<string, string> {
  const entries = isObject(value) ? Object.entries(value) : [];
  const strings = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (!isObject(value) || strings.length < entries.length) throw invalid("__metadata__ must hold strings only");
  return Object.fromEntries(strings);
}

function readSpan(name: string, value: unknown, available: number): Span {
  const shown = quoted(name);
  const fields = new Map<string, unknown>(isObject(value) ? Object.entries(value) : []);
  const dtype = [...WIDTHS.keys()].find((known) => known === fields.get("dtype"));
  const shape = fields.get("shape");
  const offsets = fields.get("data_offsets");
  if (dtype === undefined) {
    throw invalid(`${shown}: dtype must be one of ${[...WIDTHS.keys()].join(", ")}`);
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2 || fields.size !== 3) {
    throw invalid(`${shown}: expected a dtype, a shape and two data_offsets, all whole numbers`);
  }
  const [begin, end] = [offsets[0]!, offsets[1]!];
  if (begin > end || end > available) {
    throw invalid(`${shown}: bytes ${begin} to ${end} are not within the ${available} bytes of data`);
  }
  // Compared as a quotient: the product of a hostile shape may overflow.
  if ((end - begin) / width(dtype) !== product(shape)) {
    throw invalid(`${shown}: ${end - begin} bytes do not hold ${listed(shape)} values of ${dtype}`);
  }
  return { name, dtype, shape, begin, end };
}

function checkCover(spans: readonly Span[], available: number): void {
  let position = 0;
  for (const { name, begin, end } of [...spans].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) {
      throw invalid(`${quoted(name)} ${begin < position ? "overlaps another tensor" : "leaves a gap before it"}`);
    }
    position = end;
  }
  if (position !== available) throw invalid(`${available - position} bytes after the last tensor belong to none`);
}

function readTensor({ dtype, shape }: Span, bytes: Uint8Array<ArrayBuffer>): SafetensorsTensor {
  switch (dtype) {
    case "F32":
      return { dtype, shape, data: new Float32Array(bytes.buffer) };
    case "F16":
      return { dtype, shape, data: fromHalves(new Uint16Array(bytes.buffer)) };
    case "I32":
      return { dtype, shape, data: new Int32Array(bytes.buffer) };
    case "U8":
      return { dtype, shape, data: bytes };
    case "I64":
      return { dtype, shape, data: new BigInt64Array(bytes.buffer) };
  }
}

function width(dtype: DType): number {
  return WIDTHS.get(dtype)!;
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function invalid(problem: string, cause?: unknown): CnnError {
  return new CnnError("INVALID_FILE", `safetensors: ${problem}`, cause === undefined ? undefined : { cause });
}
