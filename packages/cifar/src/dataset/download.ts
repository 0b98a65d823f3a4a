import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { throughLinks } from "@cifar/cnn/node";
import { CifarError, networkReasonOf } from "../errors.js";
import { checkReplaceable, makeFolder, writing } from "../writing.js";
import { type FetchedResponse, fetchByProxy } from "./proxy.js";

/** How far a download is. */
export interface DownloadProgress {
  /** Bytes on disk. */
  readonly received: number;
  /** Bytes of the whole file, where the server says so. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  readonly url: string;
  /** Where the file is to be; until it is whole and checked its bytes are in `target` + `.part`. */
  readonly target: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Largest number of bytes to accept. */
  readonly maxBytes: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Connections in a row that may bring nothing before giving up; default 4. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled each time; default 500. */
  readonly pause?: number;
  /** Milliseconds without a byte after which a connection counts as broken; default 30,000. */
  readonly idle?: number;
}

/**
 * Fetches a file, going on where an earlier attempt, or an earlier process, broke off; it appears under its name only
 * when it is whole and its SHA-256 is right.
 * @throws CifarError DOWNLOAD_FAILED (network, server, checksum), CANNOT_WRITE, ABORTED
 */
export async function download(options: DownloadOptions): Promise<void> {
  await checkReplaceable(options.target, "file");
  const target = await writing(options.target, () => throughLinks(options.target));
  const part = `${target}.part`;
  await makeFolder(dirname(part));
  const before = await sizeOf(part);
  await fetchAll(options, part);
  let found = await sha256Of(part);
  if (found !== options.sha256 && before > 0) {
    // What an earlier process left may be of another file: once more from the start.
    await rm(part, { force: true });
    await fetchAll(options, part);
    found = await sha256Of(part);
  }
  if (found !== options.sha256) {
    await rm(part, { force: true });
    throw new CifarError(
      "DOWNLOAD_FAILED",
      `${options.url}: expected SHA-256 ${options.sha256}, found ${found}: what came is not the file, and was removed`,
    );
  }
  await writing(options.target, () => rename(part, target));
}

/** Connects until the file is whole. */
async function fetchAll(options: DownloadOptions, part: string): Promise<void> {
  const { attempts = 4, pause = 500 } = options;
  let failures = 0;
  for (;;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(options, part, before);
      return;
    } catch (error) {
      if (options.signal?.aborted) throw new CifarError("ABORTED", "the download was stopped", { cause: error });
      if (error instanceof CifarError) throw error;
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (failures >= attempts) {
        throw new CifarError(
          "DOWNLOAD_FAILED",
          `${options.url}: ${networkReasonOf(error)} (${failures} attempts in a row; ` +
            `${await sizeOf(part)} bytes are kept, the next attempt goes on from there)`,
          { cause: error },
        );
      }
      await sleep(pause * 2 ** (failures - 1), undefined, options.signal && { signal: options.signal }).catch(() => {});
    }
  }
}

/** One connection: asks for what is missing after `have` bytes and appends it. */
async function fetchRest(options: DownloadOptions, part: string, have: number): Promise<void> {
  const idle = new AbortController();
  const idleTime = options.idle ?? 30_000;
  let timer = setTimeout(() => idle.abort(new Error("the server sends nothing more")), idleTime);
  try {
    const response = await fetchByProxy(options.url, {
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
      signal: options.signal ? AbortSignal.any([idle.signal, options.signal]) : idle.signal,
    });
    const { start, total } = rangeOf(response, have, options);
    if (start === undefined) return;
    const handle = await writing(part, () => open(part, start === 0 ? "w" : "a"));
    let received = start;
    try {
      options.onProgress?.({ received, total });
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => idle.abort(new Error("the server sends nothing more")), idleTime);
        received += chunk.length;
        if (received > options.maxBytes) throw tooMuch(options);
        await writing(part, () => append(handle, chunk));
        options.onProgress?.({ received, total });
      }
    } finally {
      await handle.close();
    }
    if (total !== undefined && received < total) throw new Error(`the connection broke after ${received} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

/** Where the bytes of a response belong: `start` undefined means that nothing is missing. */
function rangeOf(
  response: FetchedResponse,
  have: number,
  options: DownloadOptions,
): { readonly start: number | undefined; readonly total: number | undefined } {
  const { status, headers } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (range === null || Number(range[1]) !== have) {
      void response.body?.cancel();
      throw new CifarError("DOWNLOAD_FAILED", `${options.url}: the server sent another part than was asked for`);
    }
    return { start: have, total: range[2] === "*" ? undefined : Number(range[2]) };
  }
  // A server that knows nothing of ranges sends everything, from the start.
  if (status === 200) {
    const length = headers.get("content-length");
    const plain = headers.get("content-encoding") === null;
    const total = length !== null && plain ? Number(length) : undefined;
    if (total !== undefined && total > options.maxBytes) {
      void response.body?.cancel();
      throw tooMuch(options);
    }
    return { start: 0, total };
  }
  void response.body?.cancel();
  // Nothing is left after what is there; whether that is the file, the checksum will tell.
  if (status === 416) return { start: undefined, total: undefined };
  const message = `${options.url}: the server answered ${status} ${response.statusText}`.trimEnd();
  // Overload and gateways' troubles pass; that a file is not there does not.
  if (status === 408 || status === 429 || status >= 500) throw new Error(message);
  throw new CifarError("DOWNLOAD_FAILED", message);
}

function tooMuch(options: DownloadOptions): CifarError {
  return new CifarError("DOWNLOAD_FAILED", `${options.url}: more than the expected ${options.maxBytes} bytes`);
}

async function append(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.length) written += (await handle.write(chunk, written)).bytesWritten;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
