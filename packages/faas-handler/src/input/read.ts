import { type Body, limited, type ReadLimits, readBody } from "../body.js";
import { parseMediaType } from "../media-type.js";
import { Problem } from "../problem.js";
import { readRecords, recordSize } from "../records.js";
import { readJson } from "./json.js";
import { readMultipart } from "./multipart.js";
import { isPictureFile, joinPictures, type PictureReader, type Pictures } from "./pictures.js";

const PICTURE_TYPES = [
  "image/png",
  "image/jpeg",
  "application/octet-stream",
  "application/json",
  "multipart/form-data",
] as const;

/** What a body is taken as whose sender did not say. */
const UNSAID_TYPE = "application/octet-stream";

export interface ReadOptions {
  /** What the body begins with: `PICTURE_START` bytes, or all there are. */
  readonly start: Uint8Array;
  /** The whole header; a body without one is taken as `UNSAID_TYPE`. */
  readonly contentType: string | undefined;
  readonly reader: PictureReader;
  readonly limits: ReadLimits;
  /** Number of classes, which the labels of records must be below. */
  readonly classes: number;
}

/**
 * The problem of a body in a media type that a path does not take (RFC 9110, 15.5.16).
 * @param takes the likeliest first
 */
export function unsupportedMediaType(contentType: string, takes: readonly string[]): Problem {
  const said = contentType === "" ? "empty" : contentType.slice(0, 100);
  return new Problem(
    "unsupported-media-type",
    `Content-Type is ${said}; name what you send, such as -H 'Content-Type: ${takes[0]}' for curl. This path takes ${takes.join(", ")}.`,
    { headers: { accept: takes.join(", ") } },
  );
}

/**
 * Refuses a body of no bytes whose Content-Type says that it holds pictures. Other types are let through: clients name
 * them of themselves when they send nothing.
 * @throws Problem
 */
export function checkMayBeEmpty(contentType = UNSAID_TYPE): void {
  const type = parseMediaType(contentType)?.type;
  if (type !== UNSAID_TYPE && PICTURE_TYPES.some((each) => each === type)) {
    throw new Problem(
      "invalid-picture",
      `The body is empty, but its Content-Type is ${type}; send a picture with it, or leave both out for the model's card.`,
    );
  }
}

/**
 * Reads the pictures of a request, whichever way they were sent. A PNG or JPEG file is told by its first bytes: what
 * clients call it is often wrong (`image/jpg`, or what curl says of itself for `--data-binary`).
 * @throws Problem
 */
export async function readPictures(body: Body, options: ReadOptions): Promise<Pictures> {
  const { start, contentType = UNSAID_TYPE, reader, limits } = options;
  if (isPictureFile(start)) {
    return joinPictures([await reader.file(await readBody(body, limits))], false);
  }
  switch (parseMediaType(contentType)?.type) {
    case "image/png":
    case "image/jpeg":
      return joinPictures([await reader.file(await readBody(body, limits))], false);
    case "application/octet-stream":
      return readOctets(await readBody(body, limits), options);
    case "application/json":
      return readJson(await readBody(body, limits), reader);
    case "multipart/form-data":
      return readMultipart(limited(body, limits), contentType, reader);
    default:
      throw unsupportedMediaType(contentType, PICTURE_TYPES);
  }
}

/** Planes of one picture, or records of several. */
async function readOctets(bytes: Uint8Array, { reader, classes }: ReadOptions): Promise<Pictures> {
  if (bytes.length === reader.size) {
    return joinPictures([reader.planes(bytes)], false);
  }
  const record = recordSize(reader.shape);
  const count = bytes.length / record;
  if (!Number.isInteger(count)) {
    throw new Problem(
      "invalid-picture",
      `The body has ${bytes.length} bytes, which is neither ${reader.size} (planes of one picture) nor records of ${record} each.`,
    );
  }
  reader.admit(count);
  const pictures: Pictures[] = [];
  for await (const { pixels } of readRecords(once(bytes), { shape: reader.shape, classes }, count)) {
    pictures.push({ pixels, count, list: true });
  }
  return pictures[0]!;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
