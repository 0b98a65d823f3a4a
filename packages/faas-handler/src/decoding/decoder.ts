import type { Worker } from "node:worker_threads";
import { type CheckedPicture, checkPicture, decodeChecked, toInput } from "@cifar/cifar/picture";
import type { PictureShape } from "../classifier.js";
import type { Config } from "../config.js";
import type { GarbageMeter } from "../garbage.js";
import type { DecodePicture } from "../input/pictures.js";
import type { Logger } from "../log.js";
import { Problem } from "../problem.js";
import { DecodeQueue } from "./decode-queue.js";
import { DecodeThread, openWorker, ThreadError } from "./thread.js";
import type { ThreadData } from "./thread-protocol.js";
import { Turns } from "./turns.js";

/**
 * A picture that is estimated to take longer is decoded in another thread, one that takes less here: such are the pictures
 * that a network of 32 × 32 pixels is usually sent, and to hand them over would take a part of their time. Where half a
 * core is all there is, shared with the thread, and the code is new, this is up to a hundred times as long: with 4 ms, 128 ×
 * 128 pixels of a JPEG held the loop for 0.3 s.
 */
const HERE_MS = 1;

/** The same where no thread can be started. What takes longer is refused then: nothing else would be answered meanwhile. */
const ALONE_MS = 25;

/** The part of a request's time that pictures may wait for others to be decoded: the estimate is one of a quiet machine. */
const WAITING_SHARE = 1 / 4;

export interface DecoderOptions {
  readonly config: Pick<Config, "maxPixels" | "execTimeout">;
  readonly garbage: GarbageMeter;
  readonly logger: Logger;
  /** Whether the thread may have V8 collect its garbage, as only a program may. */
  readonly collects?: boolean;
  /** Starts the thread's script; other ones only in tests. */
  readonly open?: (data: ThreadData) => Worker;
}

/** Decodes PNG and JPEG files with @cifar/cifar, costly ones in a thread of their own. */
export interface PictureDecoder {
  readonly decode: DecodePicture;
  /** Ends the thread. */
  close(): Promise<void>;
}

export function createDecoder(options: DecoderOptions): PictureDecoder {
  const { config, garbage, logger, collects = false, open = openWorker } = options;
  const { maxPixels, execTimeout } = config;
  const queue = new DecodeQueue({
    open: () => new DecodeThread(() => open({ maxPixels, collects })),
    maxWaiting: execTimeout * WAITING_SHARE,
  });

  const turns = new Turns();

  async function here(picture: CheckedPicture, side: number): Promise<Uint8Array> {
    const pixels = await turns.run(() => toInput(decodeChecked(picture), side));
    garbage.add(picture.cost.bytes);
    return pixels;
  }

  async function inThread(task: { file: Uint8Array; side: number; picture: CheckedPicture; signal: AbortSignal }) {
    const { file, side, picture, signal } = task;
    const { milliseconds } = picture.cost;
    try {
      const answer = await queue.decode({ file, side, milliseconds, signal });
      if (answer.kind === "pixels") {
        return answer.pixels;
      }
      throw pictureProblem(answer, maxPixels);
    } catch (thrown) {
      if (!(thrown instanceof ThreadError) || thrown.code === "THREAD_DIED") {
        throw thrown;
      }
      if (thrown.code === "NO_THREAD") {
        logger.log("warn", "no thread for large pictures", { cause: thrown.message });
        if (milliseconds <= ALONE_MS) {
          return here(picture, side);
        }
      }
      const why = thrown.code === "NO_THREAD" ? "no thread can be started for it" : "there is not enough memory for it";
      throw new Problem("picture-too-large", `The picture takes long to decode, and ${why}; ${resizeTo(256)}.`, {
        cause: thrown,
      });
    }
  }

  return {
    decode: async (file, shape, signal) => {
      checkShape(shape);
      while (garbage.collected !== undefined) {
        await garbage.collected;
      }
      try {
        const [side, , channels] = shape;
        const picture = checkPicture(file, { maxPixels });
        const pixels = await (picture.cost.milliseconds > HERE_MS
          ? inThread({ file, side, picture, signal })
          : here(picture, side));
        return channels === 1 ? toGrey(pixels) : pixels;
      } catch (thrown) {
        throw pictureProblem(thrown, maxPixels);
      }
    },
    close: () => queue.close(),
  };
}

/** Grey of a pixel by its luminance (ITU-R BT.601). */
function toGrey(pixels: Uint8Array): Uint8Array {
  const grey = new Uint8Array(pixels.length / 3);
  for (let position = 0; position < grey.length; position++) {
    const at = position * 3;
    grey[position] = Math.round(0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!);
  }
  return grey;
}

function checkShape([height, width, channels]: PictureShape): void {
  if (height !== width || (channels !== 3 && channels !== 1)) {
    throw new Problem(
      "unsupported-media-type",
      `This network takes pictures of ${height} × ${width} × ${channels}; send them as planes or as numbers, not as files.`,
    );
  }
}

function resizeTo(side: number): string {
  return `resize it, to ${side}×${side} for instance`;
}

/** What @cifar/cifar refuses, here or in the thread, as a problem; anything else as it is. */
function pictureProblem(thrown: unknown, maxPixels: number): unknown {
  const { code, message } = Object(thrown) as { readonly code?: unknown; readonly message?: unknown };
  switch (code) {
    case "PICTURE_TOO_LARGE":
      return new Problem("picture-too-large", `${message}; ${resizeTo(Math.floor(Math.sqrt(maxPixels)))}.`, {
        cause: thrown,
      });
    case "INVALID_PICTURE":
      return new Problem("invalid-picture", `${message}.`, { cause: thrown });
    default:
      return thrown;
  }
}
