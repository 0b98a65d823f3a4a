import type busboy from "busboy";
import type { Body } from "../body.js";
import { Problem } from "../problem.js";
import { joinPictures, type PictureReader, type Pictures } from "./pictures.js";

/** Parts of a form beside its pictures: text fields and what browsers send for file inputs that nobody has filled. */
const OTHER_PARTS = 100;

/**
 * Reads a form (multipart/form-data, RFC 7578): each file in it is a picture, in the order in which they come. Text
 * fields are passed over, and file inputs that were left empty.
 * @param contentType the whole header, with its boundary
 * @throws Problem invalid-request where the form is malformed, invalid-picture where it holds no or no valid picture
 */
export async function readMultipart(body: Body, contentType: string, reader: PictureReader): Promise<Pictures> {
  const files = await readFiles(body, contentType, reader.most + OTHER_PARTS);
  if (files.length === 0) {
    throw new Problem(
      "invalid-picture",
      "The form holds no file; send each picture as a file, as curl -F image=@cat.png does.",
    );
  }
  if (files.length > reader.most) {
    throw reader.tooMany(files.length);
  }
  const each: Uint8Array[] = [];
  for (const [index, file] of files.entries()) {
    each.push(await reader.either(file, `File ${index + 1} of the form`));
  }
  return joinPictures(each, true);
}

function malformed(cause?: unknown): Problem {
  return new Problem("invalid-request", "The body is not a well-formed multipart/form-data form.", { cause });
}

async function createParser(contentType: string, maxParts: number): Promise<busboy.Busboy> {
  // Loaded with the first form, so that a start does not pay for it.
  const { default: create } = await import("busboy");
  try {
    return create({
      headers: { "content-type": contentType },
      limits: { parts: maxParts, fieldSize: 1024, headerPairs: 32 },
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

async function readFiles(body: Body, contentType: string, maxParts: number): Promise<Uint8Array[]> {
  const parser = await createParser(contentType, maxParts);
  const files: (Uint8Array | undefined)[] = [];
  let problem: Problem | undefined;
  const done = new Promise<void>((resolve) => {
    parser.on("file", (_name, stream, info: { filename?: string }) => {
      const index = files.push(undefined) - 1;
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        // Without a name and without a byte it is a file input that nobody has filled.
        files[index] = chunks.length === 0 && info.filename === undefined ? undefined : Buffer.concat(chunks);
      });
      // The form's own error says it; a stream without a listener would end the process.
      stream.on("error", () => undefined);
    });
    // A part without a name has none here either, whatever the types of busboy say.
    parser.on("field", (name: string | undefined, _value, info) => {
      if (info.mimeType.startsWith("image/")) {
        problem ??= new Problem(
          "invalid-picture",
          `The picture "${(name ?? "").slice(0, 100)}" needs a file name to be read as a file.`,
        );
      }
    });
    parser.on("partsLimit", () => {
      problem ??= new Problem("body-too-large", `A form may have ${maxParts} parts at most.`);
    });
    parser.on("error", (cause) => {
      problem ??= malformed(cause);
      resolve();
    });
    parser.on("close", resolve);
  });
  try {
    for await (const chunk of body) {
      if (problem !== undefined) {
        break;
      }
      parser.write(chunk);
    }
    parser.end();
    await done;
  } finally {
    parser.destroy();
  }
  if (problem !== undefined) {
    throw problem;
  }
  return files.filter((file) => file !== undefined);
}
