import { isUtf8 } from "node:buffer";
import { Problem } from "../problem.js";
import { JsonError } from "./json-grammar.js";
import { JsonReader } from "./json-reader.js";
import { joinPictures, type PictureReader, type Pictures } from "./pictures.js";

function invalid(detail: string): Problem {
  return new Problem("invalid-picture", detail);
}

/**
 * Reads `{"image": …}` as one picture, `{"images": [ … ]}` as several, and a bare nested array as one. A picture is
 * base64 (of a PNG or JPEG file or of planes; a `data:` URL's too) or height × width × channels whole numbers.
 * @throws Problem invalid-request where it is not JSON, invalid-picture where it does not hold pictures, body-too-large
 */
export async function readJson(bytes: Uint8Array, pictures: PictureReader): Promise<Pictures> {
  try {
    await pictures.turn();
    if (!isUtf8(bytes)) {
      throw new JsonError("it is not UTF-8");
    }
    const json = new JsonReader(bytes);
    const read = await readBody(json, pictures);
    json.end();
    return read;
  } catch (thrown) {
    throw thrown instanceof JsonError
      ? new Problem("invalid-request", `The body is not valid JSON: ${thrown.message}.`, { cause: thrown })
      : thrown;
  }
}

async function readBody(json: JsonReader, pictures: PictureReader): Promise<Pictures> {
  switch (json.kind()) {
    case "array":
      return joinPictures([readNumbers(json, pictures, "The array")], false);
    case "object":
      return readObject(json, pictures);
    default:
      json.skip();
      json.end();
      throw invalid('The body must be {"image": …}, {"images": […]} or a nested array of numbers.');
  }
}

async function readObject(json: JsonReader, pictures: PictureReader): Promise<Pictures> {
  let read: Pictures | undefined;
  for (const name of json.members()) {
    // Another part of a body may be nothing but these.
    await pictures.turn();
    if (name !== "image" && name !== "images") {
      json.skip();
      continue;
    }
    if (read !== undefined) {
      throw invalid('The body must have either "image" or "images", once.');
    }
    read =
      name === "image"
        ? joinPictures([await readPicture(json, pictures, "image")], false)
        : await readList(json, pictures);
  }
  if (read === undefined) {
    throw invalid('The body must have either "image" or "images".');
  }
  return read;
}

async function readList(json: JsonReader, pictures: PictureReader): Promise<Pictures> {
  const each: Uint8Array[] = [];
  let count = 0;
  if (json.kind() === "array") {
    for (const index of json.elements()) {
      count++;
      if (count <= pictures.most) {
        each.push(await readPicture(json, pictures, `images[${index}]`));
      } else {
        await pictures.turn();
        json.skip();
      }
    }
  }
  if (count > pictures.most) {
    throw pictures.tooMany(count);
  }
  if (count === 0) {
    throw invalid('"images" must be an array of at least one picture.');
  }
  return joinPictures(each, true);
}

async function readPicture(json: JsonReader, pictures: PictureReader, where: string): Promise<Uint8Array> {
  switch (json.kind()) {
    case "string":
      return pictures.either(fromBase64(json.string(), where), where);
    case "array":
      await pictures.turn();
      return readNumbers(json, pictures, where);
    default:
      throw invalid(`${where} must be base64 or a nested array of numbers.`);
  }
}

/** The start of a data: URL whose content is base64 (RFC 2397), and of any. */
const BASE64_URL = /^data:[^,]*;base64,/i;
const ANY_URL = /^data:/i;

/** Base64 in either alphabet (RFC 4648, 4 and 5), broken into lines or not (RFC 2045, 6.8), a `data:` URL's too. */
function fromBase64(text: string, where: string): Buffer {
  const start = ANY_URL.test(text) ? BASE64_URL.exec(text)?.[0] : "";
  if (start === undefined) {
    throw invalid(`${where} is a data: URL, but not one of base64.`);
  }
  const encoded = text.slice(start.length);
  if (!isBase64(encoded)) {
    throw invalid(`${where} is not base64.`);
  }
  return Buffer.from(encoded, "base64");
}

/** What a sign is in base64: one of 6 bits in either alphabet, a filler at the end, or space between lines. */
const [BITS, FILLER, SPACE] = [1, 2, 3];
const SIGNS = new Uint8Array(128);
for (const [signs, kind] of [
  ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", BITS],
  ["=", FILLER],
  ["\t\n\r ", SPACE],
] as const) {
  for (const sign of signs) {
    SIGNS[sign.charCodeAt(0)] = kind!;
  }
}

/** A loop and no pattern: a pattern that allows for space anywhere tries some texts again and again. */
function isBase64(text: string): boolean {
  let bits = 0;
  let fillers = 0;
  for (let at = 0; at < text.length; at++) {
    const kind = SIGNS[text.charCodeAt(at)];
    if (kind === BITS && fillers === 0) {
      bits++;
    } else if (kind === FILLER && fillers < 2) {
      fillers++;
    } else if (kind !== SPACE) {
      return false;
    }
  }
  return bits > 0;
}

function readNumbers(json: JsonReader, pictures: PictureReader, where: string): Uint8Array {
  const [height, width, channels] = pictures.shape;
  const wrong = (): Problem =>
    invalid(`${where} must have ${height} rows of ${width} pixels of ${channels} whole numbers from 0 to 255.`);
  const pixels = pictures.room();
  let at = 0;
  for (const _row of sized(json, height, wrong)) {
    for (const _column of sized(json, width, wrong)) {
      for (const _channel of sized(json, channels, wrong)) {
        const value = json.kind() === "number" ? json.number() : Number.NaN;
        if (!(Number.isInteger(value) && value >= 0 && value <= 255)) {
          throw wrong();
        }
        pixels[at++] = value;
      }
    }
  }
  return pixels;
}

/** The elements of an array that must have exactly this many. */
function* sized(json: JsonReader, length: number, wrong: () => Problem): Generator<number, void, undefined> {
  if (json.kind() !== "array") {
    throw wrong();
  }
  let count = 0;
  for (const index of json.elements()) {
    if (index >= length) {
      throw wrong();
    }
    count++;
    yield index;
  }
  if (count !== length) {
    throw wrong();
  }
}
