import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import type { DataFile } from "../src/dataset/cifar10-files.js";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Files of a few records each, as an archive like the official one would hold them. */
export interface SmallArchive {
  readonly bytes: Uint8Array;
  readonly files: readonly DataFile[];
  readonly contents: ReadonlyMap<string, Uint8Array>;
  readonly archive: { readonly sha256: string; readonly size: number };
}

export function smallArchive(options: { extra?: readonly [string, Uint8Array][] } = {}): SmallArchive {
  const contents = new Map(
    ["data_batch_1.bin", "test_batch.bin"].map((name, file) => [name, incompressible(3073 * 20, file + 1)]),
  );
  const entries: [string, Uint8Array][] = [
    ...[...contents].map(([name, bytes]): [string, Uint8Array] => [`cifar-10-batches-bin/${name}`, bytes]),
    ["cifar-10-batches-bin/readme.html", new Uint8Array(100)],
    ...(options.extra ?? []),
  ];
  const blocks = entries.flatMap(([path, bytes]) => {
    const header = Buffer.alloc(512);
    new Header({ path, size: bytes.length, type: "File", mode: 0o644 }).encode(header, 0);
    return [header, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)];
  });
  const bytes = gzipSync(Buffer.concat([...blocks, new Uint8Array(1024)]));
  const files = [...contents].map(([name, content]) => ({ name, size: content.length, sha256: sha256(content) }));
  return { bytes, files, contents, archive: { sha256: sha256(bytes), size: bytes.length } };
}

/** Bytes that gzip cannot shorten: Marsaglia's xorshift32. */
function incompressible(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

export interface TestServer {
  readonly url: string;
  /** The header `Range` of each request so far, `none` where there was none. */
  readonly ranges: readonly string[];
  close(): Promise<void>;
}

/** Serves on a free port of this machine; `answer` gets the number of the request, from 0. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, index: number) => void,
): Promise<TestServer> {
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? "none");
    answer(request, response, ranges.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/cifar-10-binary.tar.gz`,
    ranges,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Answers as a file server that knows ranges does, breaking off after `breakAfter` bytes of the body. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: Uint8Array,
  breakAfter?: number,
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start >= file.length) {
    response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    return;
  }
  const body = file.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": body.length,
    ...(start > 0 && { "content-range": `bytes ${start}-${file.length - 1}/${file.length}` }),
  });
  if (breakAfter === undefined || breakAfter >= body.length) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 30));
}
