import { CnnError } from "./errors.js";

/** What a file from a stranger may ask of who reads it, each counted before anything of that size is allocated. */
export interface FileLimits {
  /**
   * Bytes of a safetensors header. A model's whole card stands in it: 4 MiB hold the confusion matrix of 1,000 classes.
   * The format's own implementation takes 100 MB.
   */
  readonly headerBytes: number;
  /** Members of all lists and objects of a header: about ten for each tensor. */
  readonly headerValues: number;
  /** Characters of one text in the header. */
  readonly textLength: number;
  /** Lists and objects inside one another. */
  readonly depth: number;
  /** Members of all lists and objects of one text of the card. */
  readonly values: number;
  readonly layers: number;
  /** Values that one picture's forward pass keeps: the picture, what layers make of it, and what it is padded to. */
  readonly activations: number;
  /** Floating-point operations of one picture's forward pass. */
  readonly flops: number;
  /** Pictures in a step of a checkpoint's run. */
  readonly batchSize: number;
}

/**
 * The limits unless others are given: with room for VGG-16 on pictures of 224 × 224 (31 GFLOP, 18.5 million values), which is
 * 80 MiB of activations for each picture at a time, and a second of computing.
 */
export const FILE_LIMITS: FileLimits = {
  headerBytes: 4 * 2 ** 20,
  headerValues: 2 ** 17,
  textLength: 2 * 2 ** 20,
  depth: 32,
  values: 2 ** 20,
  layers: 1000,
  activations: 20 * 2 ** 20,
  flops: 4e10,
  batchSize: 2 ** 14,
};

/** How to read a file. */
export interface ReadOptions {
  /** Instead of {@link FILE_LIMITS}, one by one. */
  readonly limits?: Partial<FileLimits>;
}

/** @throws CnnError INVALID_ARGUMENT for a limit that there is not, or that is no number of at least 0 */
export function resolveLimits({ limits = {} }: ReadOptions): FileLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(FILE_LIMITS, name)) {
      const known = Object.keys(FILE_LIMITS).join(", ");
      throw new CnnError("INVALID_ARGUMENT", `limits: there is no ${name}, only ${known}`);
    }
    if (typeof value === "number" && value >= 0) continue;
    throw new CnnError("INVALID_ARGUMENT", `limits.${name} must be a number of at least 0, not ${value}`);
  }
  return { ...FILE_LIMITS, ...limits };
}

const COUNTED: Readonly<Record<keyof FileLimits, string>> = {
  headerBytes: "bytes of header",
  headerValues: "values",
  textLength: "characters in one text",
  depth: "lists and objects inside one another",
  values: "values in one text",
  layers: "layers",
  activations: "values of activations a picture",
  flops: "floating-point operations a picture",
  batchSize: "pictures in a step",
};

/** Throws CnnError INVALID_FILE if a file asks for more than a limit. */
export type LimitCheck = (name: keyof FileLimits, count: number) => void;

/** @param where what asks for it, for the message */
export function limitCheck(where: string, limits: FileLimits): LimitCheck {
  return (name, count) => {
    if (count <= limits[name]) return;
    const limit = `limits.${name} allows ${limits[name]}`;
    throw new CnnError("INVALID_FILE", `${where} asks for ${count} ${COUNTED[name]}, ${limit}`);
  };
}
