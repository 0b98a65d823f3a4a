import { type Body, limited, type ReadLimits, readBody } from "../body.js";
import { parseMediaType } from "../media-type.js";
import { Problem } from "../problem.js";
import { readRecords, recordSize } from "../records.js";
import { readJson } from "./json.js";
import { readMultipart } from "./multipart.js";
import { isPictureFile, joinPictures, type PictureReader, type Pictures } from "./pictures.js";

const PICTURE_TYPES = "image/png, image/jpeg, application/octet-stream, application/json, multipart/form-data";

export interface ReadOptions {
  /** The whole header; a body without one is taken as application/octet-stream. */
  readonly contentType: string | undefined;
  readonly reader: PictureReader;
  readonly limits: ReadLimits;
  /** Number of classes, which the labels of records must be below. */
  readonly classes: number;
}

/** The problem of a body in a media type that a path does not take (RFC 9110, 15.5.16). */
export function unsupportedMediaType(contentType: string | undefined, takes: string): Problem {
  return new Problem(
    "unsupported-media-type",
    contentType === undefined || contentType === ""
      ? `Content-Type is missing; this path takes ${takes}.`
      : `Content-Type is ${contentType.slice(0, 100)}, but this path takes ${takes}.`,
    { headers: { accept: takes } },
  );
}

/**
 * Reads the pictures of a request, whichever way they were sent.
 * @throws Problem
 */
export async function readPictures(body: Body, options: ReadOptions): Promise<Pictures> {
  const { contentType = "application/octet-stream", reader, limits } = options;
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

/** Planes of one picture, records of several, or a file whose sender did not say what it is. */
async function readOctets(bytes: Uint8Array, { reader, classes }: ReadOptions): Promise<Pictures> {
  if (isPictureFile(bytes)) {
    return joinPictures([await reader.file(bytes)], false);
  }
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
  const pictures: Pictures[] = [];
  for await (const { pixels } of readRecords(once(bytes), { shape: reader.shape, classes }, count)) {
    pictures.push({ pixels, count, list: true });
  }
  return pictures[0]!;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
