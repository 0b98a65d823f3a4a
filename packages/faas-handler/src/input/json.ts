import { Problem } from "../problem.js";
import { joinPictures, type PictureReader, type Pictures } from "./pictures.js";

function invalid(detail: string): Problem {
  return new Problem("invalid-picture", detail);
}

/**
 * Reads `{"image": …}` as one picture, `{"images": [ … ]}` as several, and a bare nested array as one. A picture is
 * base64 (of a PNG or JPEG file or of planes; a `data:` URL's too) or height × width × channels whole numbers.
 * @throws Problem invalid-request where it is not JSON, invalid-picture where it does not hold pictures
 */
export async function readJson(bytes: Uint8Array, reader: PictureReader): Promise<Pictures> {
  const value = parse(bytes);
  if (Array.isArray(value)) {
    return joinPictures([numbers(value, reader, "The array")], false);
  }
  if (typeof value !== "object" || value === null) {
    throw invalid('The body must be {"image": …}, {"images": […]} or a nested array of numbers.');
  }
  const { image, images } = value as { image?: unknown; images?: unknown };
  if ((image === undefined) === (images === undefined)) {
    throw invalid('The body must have either "image" or "images".');
  }
  if (images === undefined) {
    return joinPictures([await picture(image, reader, "image")], false);
  }
  if (!Array.isArray(images) || images.length === 0) {
    throw invalid('"images" must be an array of at least one picture.');
  }
  const each: Uint8Array[] = [];
  for (const [index, one] of images.entries()) {
    each.push(await picture(one, reader, `images[${index}]`));
  }
  return joinPictures(each, true);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Problem("invalid-request", "The body is not valid JSON in UTF-8.", { cause });
  }
}

async function picture(value: unknown, reader: PictureReader, where: string): Promise<Uint8Array> {
  if (typeof value === "string") {
    return reader.either(fromBase64(value, where), where);
  }
  if (Array.isArray(value)) {
    return numbers(value, reader, where);
  }
  throw invalid(`${where} must be base64 or a nested array of numbers.`);
}

function fromBase64(text: string, where: string): Uint8Array {
  const encoded = text.startsWith("data:") ? text.slice(text.indexOf(",") + 1) : text;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length === 0) {
    throw invalid(`${where} is not base64.`);
  }
  return Buffer.from(encoded, "base64");
}

function numbers(rows: readonly unknown[], reader: PictureReader, where: string): Uint8Array {
  const [height, width, channels] = reader.shape;
  const wrong = (): Problem =>
    invalid(`${where} must have ${height} rows of ${width} pixels of ${channels} whole numbers from 0 to 255.`);
  const pixels = new Uint8Array(reader.size);
  let at = 0;
  for (const row of sized(rows, height, wrong)) {
    for (const pixel of sized(row, width, wrong)) {
      for (const value of sized(pixel, channels, wrong)) {
        if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 255) {
          throw wrong();
        }
        pixels[at++] = value;
      }
    }
  }
  return pixels;
}

function sized(value: unknown, length: number, wrong: () => Problem): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw wrong();
  }
  return value;
}
