import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeBinaryFolder } from "../src/dataset/binary-folder.js";
import { SHAPES_CLASSES, shapes, shapesSplits } from "../src/dataset/shapes.js";
import { loadData } from "../src/dataset/source.js";

const SIZE = 32 * 32 * 3;

describe("shapes", () => {
  it("are ten kinds in turn, as 32×32 pictures", () => {
    const dataset = shapes({ count: 25 });
    expect(dataset.images.length).toBe(25 * SIZE);
    expect([...dataset.labels].slice(8, 12)).toEqual([8, 9, 0, 1]);
    expect(SHAPES_CLASSES).toHaveLength(10);
    expect(dataset.name).toBe("shapes train");
  });

  it("are the same bytes everywhere for a seed", () => {
    const digest = createHash("sha256")
      .update(shapes({ count: 100, seed: 7 }).images)
      .digest("hex");
    expect(digest).toBe("c525875a5b669bcd4663255b8dc04deaa14f290dec011a285274e47eaaedc009");
  });

  it("do not depend on how many are drawn", () => {
    expect(shapes({ count: 30 }).images.subarray(0, 10 * SIZE)).toEqual(shapes({ count: 10 }).images);
  });

  it("differ by seed, also above 32 bits, and between training and test", () => {
    const first = shapes({ count: 1 }).images;
    expect(shapes({ count: 1, seed: 1 }).images).not.toEqual(first);
    expect(shapes({ count: 1, seed: 2 ** 32 }).images).not.toEqual(first);
    expect(shapes({ count: 1, part: "test" }).images).not.toEqual(first);
  });

  it("show something: no picture is of one colour, and no two are alike", () => {
    const { images } = shapes({ count: 200 });
    const seen = new Set<string>();
    for (let n = 0; n < 200; n++) {
      const picture = images.subarray(n * SIZE, (n + 1) * SIZE);
      expect(Math.max(...picture) - Math.min(...picture)).toBeGreaterThan(40);
      seen.add(createHash("sha256").update(picture).digest("hex"));
    }
    expect(seen.size).toBe(200);
  });

  it("refuse a count that is none", () => {
    expect(() => shapes({ count: 0 })).toThrowError(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  it("written in CIFAR's binary format are read again as what they are", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cifar-shapes-"));
    const splits = shapesSplits({ train: 20, test: 10, seed: 3 });
    await writeBinaryFolder(folder, splits);
    const read = await loadData(folder, { download: false, onNotice: () => {} });
    expect(read.train).toEqual({ ...splits.train, name: `${folder} train` });
    expect(read.test.images).toEqual(splits.test.images);
    await expect(writeBinaryFolder(folder, splits)).rejects.toMatchObject({ code: "CANNOT_WRITE" });
    await rm(folder, { recursive: true });
  });
});
