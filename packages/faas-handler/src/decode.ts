import { decodePicture, toInput } from "@cifar/cifar";
import type { PictureShape } from "./classifier.js";
import type { GarbageMeter } from "./garbage.js";
import type { DecodePicture } from "./input/pictures.js";
import { Problem } from "./problem.js";

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

/** Memory that decoding takes for each pixel, in bytes: samples, rows and planes of the decoders, and the result. */
const BYTES_PER_PIXEL = 44;

/** Decodes PNG and JPEG files with @cifar/cifar; those with more than `maxPixels` are refused by their header. */
export function pictureDecoder(maxPixels: number, garbage: GarbageMeter): DecodePicture {
  return async (file, shape) => {
    checkShape(shape);
    while (garbage.collected !== undefined) {
      await garbage.collected;
    }
    try {
      const picture = decodePicture(file, { maxPixels });
      const pixels = toInput(picture, shape[0]);
      garbage.add(BYTES_PER_PIXEL * picture.width * picture.height);
      return shape[2] === 1 ? toGrey(pixels) : pixels;
    } catch (thrown) {
      throw asPictureProblem(thrown, maxPixels);
    }
  };
}

function asPictureProblem(thrown: unknown, maxPixels: number): unknown {
  const side = Math.floor(Math.sqrt(maxPixels));
  const { code, message } = thrown instanceof Error ? (thrown as Error & { code?: unknown }) : {};
  switch (code) {
    case "PICTURE_TOO_LARGE":
      return new Problem("picture-too-large", `${message}; resize it, to ${side}×${side} for instance.`, {
        cause: thrown,
      });
    case "INVALID_PICTURE":
      return new Problem("invalid-picture", `${message}.`, { cause: thrown });
    default:
      return thrown;
  }
}
