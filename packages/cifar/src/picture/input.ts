import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Sequential } from "@cifar/cnn";
import { CifarError, reasonOf } from "../errors.js";
import { decodePicture } from "./decode.js";
import { toInput } from "./resize.js";

/**
 * A picture file as a network's input.
 * @param file path of a PNG or JPEG; `-` is standard input
 * @throws CifarError NOT_FOUND, INVALID_PICTURE, PICTURE_TOO_LARGE, naming the file
 */
export async function readInput(file: string, side: number): Promise<Uint8Array> {
  try {
    const bytes = file === "-" ? await buffer(process.stdin) : await readFile(file);
    return toInput(decodePicture(bytes), side);
  } catch (cause) {
    const code = cause instanceof CifarError ? cause.code : "NOT_FOUND";
    throw new CifarError(code, `${file}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Side of the pictures that a network takes.
 * @throws CifarError INVALID_ARGUMENT unless they are square and in colour
 */
export function sideOf({ input }: Pick<Sequential, "input">): number {
  const [side, width, channels] = input;
  if (side !== undefined && side === width && channels === 3) return side;
  throw new CifarError("INVALID_ARGUMENT", `the model takes [${input.join(", ")}], not square pictures in colour`);
}
