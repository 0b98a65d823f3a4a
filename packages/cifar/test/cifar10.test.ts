import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeRecords, encodeRecords } from "../src/dataset/binary-format.js";
import { loadCifar10 } from "../src/dataset/cifar10.js";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "../src/dataset/cifar10-files.js";
import { cacheFolder, placeOfCifar10 } from "../src/dataset/locate.js";
import { normalisationOf } from "../src/dataset/normalisation.js";
import { cifar10Directory } from "./cifar10-directory.js";

const files = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat("test_batch.bin");

describe("the binary format", () => {
  it("holds a label and three planes a picture", () => {
    const record = Uint8Array.from({ length: 3073 }, (_, index) =>
      index === 0 ? 7 : Math.floor((index - 1) / 1024) * 100,
    );
    const images = new Uint8Array(2 * 3072);
    const labels = new Uint8Array(2);
    expect(decodeRecords(record, { images, labels, count: 1 })).toBe(2);
    expect([...labels]).toEqual([0, 7]);
    expect([...images.subarray(3072, 3078)]).toEqual([0, 100, 200, 0, 100, 200]);
  });

  it("comes back the same from pictures and labels", () => {
    const records = Uint8Array.from({ length: 3 * 3073 }, (_, index) =>
      index % 3073 === 0 ? index / 3073 : index * 7,
    );
    const images = new Uint8Array(3 * 3072);
    const labels = new Uint8Array(3);
    decodeRecords(records, { images, labels, count: 0 });
    const dataset = { name: "three", classes: ["a", "b", "c"], shape: [32, 32, 3] as const, count: 3, images, labels };
    expect(encodeRecords(dataset)).toEqual(records);
  });

  it("refuses pictures of another shape", () => {
    const dataset = { name: "wide", classes: ["a"], shape: [32, 64, 3] as const, count: 0 };
    expect(() => encodeRecords({ ...dataset, images: new Uint8Array(), labels: new Uint8Array() })).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

describe("where CIFAR-10 is looked for", () => {
  it.each([
    ["linux", {}, join(homedir(), ".cache", "cifar")],
    ["linux", { XDG_CACHE_HOME: "/x" }, join("/x", "cifar")],
    ["darwin", {}, join(homedir(), "Library", "Caches", "cifar")],
    ["win32", { LOCALAPPDATA: "/local" }, join("/local", "cifar", "Cache")],
    ["linux", { CIFAR_CACHE: "/own", XDG_CACHE_HOME: "/x" }, "/own"],
  ])("the cache folder on %s with %j is %s", (platform, environment, expected) => {
    expect(cacheFolder(environment, platform)).toBe(expected);
  });

  it("a given folder comes before CIFAR10_DIR, and that before the cache", () => {
    const environment = { CIFAR10_DIR: "/from-environment", XDG_CACHE_HOME: "/cache" };
    expect(placeOfCifar10("/given", environment)).toMatchObject({ directory: "/given", named: true });
    expect(placeOfCifar10(undefined, environment)).toMatchObject({
      directory: "/from-environment",
      source: "CIFAR10_DIR",
    });
    expect(placeOfCifar10(undefined, { XDG_CACHE_HOME: "/cache" })).toMatchObject({
      directory: join("/cache", "cifar", "cifar-10-batches-bin"),
      named: false,
    });
  });

  it("a folder without the data is named, with who named it", async () => {
    const empty = await mkdtemp(join(tmpdir(), "cifar-empty-"));
    await expect(loadCifar10({ environment: { CIFAR10_DIR: empty } })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/no CIFAR-10 in .*cifar-empty-.* \(CIFAR10_DIR\): data_batch_1\.bin/),
    });
    await rm(empty, { recursive: true });
  });
});

describe.skipIf(cifar10Directory === undefined)("real CIFAR-10 (skipped without it: set CIFAR10_DIR)", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cifar-data-"));
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** A folder with links to the real files but for one, which is a copy to damage. */
  async function copyWith(name: string): Promise<{ directory: string; path: string }> {
    const directory = join(folder, `${Math.random()}`);
    await mkdir(directory);
    for (const file of files) {
      if (file !== name) await symlink(join(cifar10Directory!, file), join(directory, file));
    }
    return { directory, path: join(directory, name) };
  }

  it("is 50,000 training and 10,000 test pictures, as many of each class", async () => {
    const { train, test } = await loadCifar10({ directory: cifar10Directory! });
    expect([train.count, test.count, train.shape]).toEqual([50_000, 10_000, [32, 32, 3]]);
    for (const [dataset, each] of [
      [train, 5000],
      [test, 1000],
    ] as const) {
      const counts = new Array(10).fill(0);
      for (const label of dataset.labels) counts[label]++;
      expect(counts).toEqual(new Array(10).fill(each));
      expect(dataset.classes).toEqual(CIFAR10_CLASSES);
    }
    // The means that everybody subtracts come out of the bytes in this order of channels only.
    const measured = normalisationOf({ ...train, classes: ["other"] });
    for (const [channel, mean] of CIFAR10_NORMALISATION.mean.entries())
      expect(measured.mean[channel]).toBeCloseTo(mean, 3);
  });

  it("with a file missing names it", async () => {
    const { directory, path } = await copyWith("data_batch_3.bin");
    await expect(loadCifar10({ directory })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `${path}: expected a file of 30730000 bytes, found none`,
    });
  });

  it("with a file cut off says how long it is", async () => {
    const { directory, path } = await copyWith("test_batch.bin");
    await writeFile(path, new Uint8Array(1_000_000));
    await expect(loadCifar10({ directory })).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: `${path}: expected 30730000 bytes, found 1000000`,
    });
  });

  it("with a single byte changed gives both checksums", async () => {
    const { directory, path } = await copyWith("data_batch_5.bin");
    const bytes = await readFile(join(cifar10Directory!, "data_batch_5.bin"));
    bytes[12_345_678]! ^= 1;
    await writeFile(path, bytes);
    await expect(loadCifar10({ directory })).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringMatching(/data_batch_5\.bin: expected SHA-256 755304fc[0-9a-f]+, found [0-9a-f]{64}/),
    });
  });
});
