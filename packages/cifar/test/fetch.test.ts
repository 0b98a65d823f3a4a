import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CIFAR10_ARCHIVE } from "../src/dataset/cifar10-files.js";
import { type FetchOptions, fetchCifar10 } from "../src/dataset/fetch.js";
import { sendFile, serve, sha256, smallArchive, type TestServer } from "./archive-server.js";

const small = smallArchive();
const size = small.bytes.length;
let folder: string;
let server: TestServer | undefined;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "cifar-fetch-")), "cache");
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(join(folder, ".."), { recursive: true, force: true });
});

function fetchSmall(url: string, options: Partial<FetchOptions> = {}): Promise<string> {
  return fetchCifar10({ folder, url, archive: small.archive, files: small.files, pause: 1, attempts: 2, ...options });
}

async function expectComplete(directory: string): Promise<void> {
  expect(directory).toBe(join(folder, "cifar-10-batches-bin"));
  expect((await readdir(directory)).sort()).toEqual(["data_batch_1.bin", "test_batch.bin"]);
  for (const [name, content] of small.contents) {
    expect(sha256(await readFile(join(directory, name)))).toBe(sha256(content));
  }
  expect(await readdir(folder)).toEqual(["cifar-10-batches-bin"]);
}

describe("fetchCifar10", () => {
  it("fetches, checks and unpacks the archive and leaves nothing else behind", async () => {
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    const seen: number[] = [];
    await expectComplete(
      await fetchSmall(server.url, {
        onProgress: ({ received, total }) => {
          expect(total).toBe(size);
          seen.push(received);
        },
      }),
    );
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(size);
  });

  it.each([
    [4096, true],
    [4097, false],
  ])("unpacks a list of classes of %d bytes: %s", async (length, unpacked) => {
    const archive = smallArchive({ extra: [["cifar-10-batches-bin/batches.meta.txt", new Uint8Array(length)]] });
    server = await serve((request, response) => sendFile(request, response, archive.bytes));
    const directory = await fetchSmall(server.url, { archive: archive.archive });
    expect(existsSync(join(directory, "batches.meta.txt"))).toBe(unpacked);
  });

  it("unpacks no file that is larger than the one that has to be there, not even for a moment", async () => {
    const [name] = small.contents.keys();
    const wanted = small.files.map((file) => (file.name === name ? { ...file, size: file.size - 1 } : file));
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expect(fetchSmall(server.url, { files: wanted })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining(name!),
    });
  });

  it("goes on where the connection broke, as often as it takes while bytes come", async () => {
    server = await serve((request, response) => sendFile(request, response, small.bytes, 10_000));
    await expectComplete(await fetchSmall(server.url));
    expect(server.ranges.length).toBe(Math.ceil(size / 10_000));
    expect(server.ranges.slice(0, 3)).toEqual(["none", "bytes=10000-", "bytes=20000-"]);
  });

  it("goes on where an earlier process broke off", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "cifar-10-binary.tar.gz.part"), small.bytes.subarray(0, 5000));
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expectComplete(await fetchSmall(server.url));
    expect(server.ranges).toEqual(["bytes=5000-"]);
  });

  it("takes an archive that an earlier process had fetched to its last byte", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "cifar-10-binary.tar.gz.part"), small.bytes);
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expectComplete(await fetchSmall(server.url));
    expect(server.ranges).toEqual([`bytes=${size}-`]);
  });

  it("starts over with a server that ignores ranges", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "cifar-10-binary.tar.gz.part"), small.bytes.subarray(0, 5000));
    server = await serve((_, response) => response.writeHead(200).end(small.bytes));
    await expectComplete(await fetchSmall(server.url));
    expect(server.ranges).toEqual(["bytes=5000-"]);
  });

  it("starts over once where what an earlier process left is of another file", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "cifar-10-binary.tar.gz.part"), new Uint8Array(5000));
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expectComplete(await fetchSmall(server.url));
    expect(server.ranges).toEqual(["bytes=5000-", "none"]);
  });

  it("waits and tries again where the server is overloaded", async () => {
    server = await serve((request, response, index) => {
      if (index === 0) response.writeHead(503).end();
      else sendFile(request, response, small.bytes);
    });
    await expectComplete(await fetchSmall(server.url));
  });

  it("drops a connection on which nothing more comes", async () => {
    server = await serve((request, response, index) => {
      if (index > 0) return sendFile(request, response, small.bytes);
      response.writeHead(200, { "content-length": size });
      response.write(small.bytes.subarray(0, 3000));
    });
    await expectComplete(await fetchSmall(server.url, { idle: 200 }));
    expect(server.ranges).toEqual(["none", "bytes=3000-"]);
  });

  it("refuses and removes what has another checksum, saying what was expected and found", async () => {
    const altered = small.bytes.with(1000, small.bytes[1000]! ^ 1);
    server = await serve((request, response) => sendFile(request, response, altered));
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(`expected SHA-256 ${small.archive.sha256}, found ${sha256(altered)}`),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("stops a server that sends more than the archive's size", async () => {
    server = await serve((_, response) => {
      response.writeHead(200);
      const more = () => response.write(new Uint8Array(65_536), () => !response.destroyed && more());
      more();
    });
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      message: expect.stringMatching(/more than the expected/),
    });
  });

  it("says at once that the file is not there, and keeps what it had", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "cifar-10-binary.tar.gz.part"), small.bytes.subarray(0, 5000));
    server = await serve((_, response) => response.writeHead(404).end("no"));
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(/answered 404/),
    });
    expect(server.ranges).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["cifar-10-binary.tar.gz.part"]);
  });

  it("says why a server cannot be reached", async () => {
    server = await serve((_, response) => response.end());
    const { url } = server;
    await server.close();
    await expect(fetchSmall(url)).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringMatching(/the connection was refused \(2 attempts in a row; 0 bytes are kept/),
    });
  });

  it("stops when asked to, and keeps what came", async () => {
    const stop = new AbortController();
    server = await serve((_, response) => {
      response.writeHead(200, { "content-length": size });
      response.write(small.bytes.subarray(0, 3000), () => setTimeout(() => stop.abort(), 100));
    });
    await expect(fetchSmall(server.url, { signal: stop.signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect((await readFile(join(folder, "cifar-10-binary.tar.gz.part"))).length).toBe(3000);
  });

  it("names the folder that cannot be written to", async () => {
    await writeFile(folder, "a file where the folder should be");
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      code: "CANNOT_WRITE",
      message: expect.stringContaining(folder),
    });
  });

  it("puts the files where a link leads, and the link stays", async () => {
    await mkdir(folder);
    await symlink(join("..", "other disk", "data"), join(folder, "cifar-10-batches-bin"));
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    await expectComplete(await fetchSmall(server.url));
    expect((await lstat(join(folder, "cifar-10-batches-bin"))).isSymbolicLink()).toBe(true);
    expect(await readdir(join(folder, "..", "other disk"))).toEqual(["data"]);
  });

  it("replaces nothing that is no folder, and no device by the archive, and asks no server then", async () => {
    await mkdir(folder);
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    const kept = join(folder, "cifar-10-batches-bin");
    await writeFile(kept, "precious");
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      code: "CANNOT_WRITE",
      message: `cannot write to ${kept}: what is there is no folder`,
    });
    expect(await readFile(kept, "utf8")).toBe("precious");
    await rm(kept);
    const archive = join(folder, "cifar-10-binary.tar.gz");
    await mkdir(archive);
    await expect(fetchSmall(server.url)).rejects.toMatchObject({
      code: "CANNOT_WRITE",
      message: `cannot write to ${archive}: what is there is no file`,
    });
    expect(server.ranges).toEqual([]);
  });

  it("unpacks nothing but the files it knows, and nothing outside its folder", async () => {
    const hostile = smallArchive({
      extra: [
        ["../../escaped.bin", new Uint8Array(10)],
        ["cifar-10-batches-bin/sub/data_batch_2.bin", new Uint8Array(10)],
        ["cifar-10-batches-bin/data_batch_2.bin", new Uint8Array(10)],
      ],
    });
    server = await serve((request, response) => sendFile(request, response, hostile.bytes));
    await expectComplete(await fetchSmall(server.url, { archive: hostile.archive }));
    expect(existsSync(join(folder, "..", "escaped.bin"))).toBe(false);
  });

  it("does not put in place what lacks a file", async () => {
    server = await serve((request, response) => sendFile(request, response, small.bytes));
    const files = [...small.files, { name: "data_batch_2.bin", size: 10, sha256: "00" }];
    await expect(fetchSmall(server.url, { files })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/data_batch_2\.bin: expected a file of 10 bytes, found none/),
    });
    expect(existsSync(join(folder, "cifar-10-batches-bin"))).toBe(false);
  });
});

describe("the official archive", () => {
  it("is at the address and of the size and checksum that are published", () => {
    // The size and the checksum are those that TensorFlow Datasets, JAX tutorials and Julia's MLDatasets pin.
    expect(CIFAR10_ARCHIVE).toEqual({
      url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
      sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
      size: 170_052_171,
    });
  });
});
