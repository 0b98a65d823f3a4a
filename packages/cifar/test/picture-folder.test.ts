import { lstatSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foreignClasses, loadBinaryFolder } from "../src/dataset/binary-folder.js";
import { encodeRecords } from "../src/dataset/binary-format.js";
import { loadPictureFolder } from "../src/dataset/picture-folder.js";
import { shapes } from "../src/dataset/shapes.js";
import { loadData } from "../src/dataset/source.js";
import { jpegOf, pngOf } from "./pictures.js";

let root: string;
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), "cifar-folder-")), "photos");
});
afterEach(() => rm(dirname(root), { recursive: true, force: true }));

const GREY = { width: 2, height: 2, data: new Uint8Array(12).fill(90) };
const [PNG, JPEG] = [pngOf(GREY), jpegOf(GREY)];

/** Writes files by their paths below the folder: pictures for names that end as such, a text for others. */
async function put(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    const content = /\.png$/i.test(path) ? PNG : /\.jpe?g$/i.test(path) ? JPEG : "a text";
    await writeFile(join(root, path), content);
  }
}

const numbered = (folder: string, count: number) => Array.from({ length: count }, (_, n) => `${folder}/${n}.png`);

/** What loading gives: classes, the files of both parts, and the lines that were said, without the folder's own path. */
async function load() {
  const lines: string[] = [];
  const { train, test } = await loadPictureFolder(root, (line) => lines.push(line.replaceAll(root, "photos")));
  const filesOf = ({ files, labels, classes }: typeof train) =>
    files!.map((file, index) => `${classes[labels[index]!]}: ${file}`).sort();
  return { classes: train.classes, train: filesOf(train), test: filesOf(test), lines };
}

async function refusal(): Promise<string> {
  const error: unknown = await loadPictureFolder(root, () => {}).then(
    () => "loaded",
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "INVALID_DATA" });
  return (error as Error).message.replaceAll(root, "photos");
}

describe("a folder of pictures with train and another folder", () => {
  it.each([
    ["train", "test"],
    ["Train", "Test"],
    ["TRAIN", "val"],
    ["train", "valid"],
    ["training", "Validation"],
  ])("%s and %s: takes its pictures for the test", async (train, test) => {
    await put(`${train}/a/1.png`, `${train}/b/1.JPG`, `${train}/b/2.JPEG`, `${test}/a/3.PNG`, `${test}/b/4.jpeg`);
    const loaded = await load();
    expect(loaded).toEqual({
      classes: ["a", "b"],
      train: [`a: ${train}/a/1.png`, `b: ${train}/b/1.JPG`, `b: ${train}/b/2.JPEG`],
      test: [`a: ${test}/a/3.PNG`, `b: ${test}/b/4.jpeg`],
      lines: [],
    });
    expect((await loadData(root, { download: false, onNotice: () => {} })).test.count).toBe(2);
  });

  it("prefers test to val, and val to a test without classes, and names what it leaves out", async () => {
    await put("train/a/1.png", "train/b/1.png", "train/stray.png", "test/a/2.png", "val/a/3.png");
    const both = await load();
    expect(both.test).toEqual(["a: test/a/2.png"]);
    expect(both.lines).toEqual([
      "left out: photos/val: the pictures of photos/train and photos/test are taken",
      "left out: photos/train: 1 picture beside the subfolders, which are the classes",
      "photos/test: no pictures of b: not tested",
    ]);
    await rm(join(root, "test"), { recursive: true });
    await put("test/unlabelled.png");
    const contest = await load();
    expect(contest.test).toEqual(["a: val/a/3.png"]);
    expect(contest.lines[0]).toBe("left out: photos/test: the pictures of photos/train and photos/val are taken");
  });

  it("and nothing for the test keeps some of them for it", async () => {
    await put(...numbered("train/a", 5), ...numbered("train/b", 5));
    const { classes, test, lines } = await load();
    expect(classes).toEqual(["a", "b"]);
    expect(test).toEqual(["a: train/a/4.png", "b: train/b/4.png"]);
    expect(lines).toEqual([
      "photos: no folder test, testing, val, valid, validation beside photos/train: some of its pictures are test pictures",
    ]);
  });

  it("whose classes differ: names what is not tested and what is unknown, and never mixes labels up", async () => {
    await put("train/a/1.png", "train/b/1.png", "train/c/1.png", "test/b/2.png", "test/C/2.png", "test/d/2.png");
    const { classes, test, lines } = await load();
    expect(classes).toEqual(["a", "b", "c"]);
    // Capitals alone make no other class.
    expect(test).toEqual(["b: test/b/2.png", "c: test/C/2.png"]);
    expect(lines).toEqual([
      "left out: photos/test/d: photos/train has no class of that name with pictures",
      "photos/test: no pictures of a: not tested",
    ]);
    await rm(join(root, "test"), { recursive: true });
    await put("test/x/1.png", "test/1.png");
    expect(await refusal()).toBe(
      "photos/test: expected subfolders with PNG or JPEG pictures of the classes of photos/train (a, b, c), " +
        "found 1 picture in no subfolder and 1 subfolder (x)",
    );
  });

  it("that are classes themselves are classes", async () => {
    await put(...numbered("train", 5), ...numbered("boat", 5));
    expect((await load()).classes).toEqual(["boat", "train"]);
  });
});

describe("a folder of pictures without a split", () => {
  it("keeps a test picture of every class with at least two, and says which have few", async () => {
    await put(...numbered("a", 10), ...numbered("b", 4), ...numbered("c", 2), ...numbered("d", 1));
    const { test, train, lines } = await load();
    expect(test).toEqual(["a: a/4.png", "a: a/9.png", "b: b/3.png", "c: c/1.png"]);
    expect(train).toHaveLength(13);
    expect(lines).toEqual([
      "photos: fewer than 5 pictures of b, c: the last one of each is its test picture",
      "photos: only one picture of d: not tested",
    ]);
  });

  it("has no class for an empty folder, nor for what systems leave behind", async () => {
    await put(...numbered("a", 5), ...numbered("b", 5), "empty/notes.txt", "README.md", "stray.png");
    await put("__MACOSX/a/._0.png", ".ipynb_checkpoints/0.png", "@eaDir/0.png", "Thumbs.db", ".DS_Store");
    await put("a/.DS_Store", "a/Thumbs.db", "a/._0.png", "b/labels.csv", "b/inner/0.png");
    const { classes, test, lines } = await load();
    expect(classes).toEqual(["a", "b"]);
    expect(test).toEqual(["a: a/4.png", "b: b/4.png"]);
    expect(lines).toEqual([
      "left out: photos: 1 picture beside the subfolders, which are the classes",
      "left out: photos/b: all but files named .png, .jpg or .jpeg (2)",
      "left out: photos/empty: no PNG or JPEG pictures in it, but 1 other file or folder",
    ]);
  });

  it("of fewer than two classes is refused by the layout that is expected and what is there", async () => {
    await put(...numbered("a", 5), "empty/.keep");
    const expected =
      "photos: expected at least 2 subfolders, one a class, with PNG or JPEG pictures in them, or the folders train and " +
      "test with such subfolders; found ";
    expect(await refusal()).toBe(`${expected}pictures of a alone`);
    await rm(root, { recursive: true });
    await put("inner/a/1.png", "inner/b/1.png");
    expect(await refusal()).toBe(`${expected}none`);
    await expect(loadData(root, { download: false, onNotice: () => {} })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/found neither: 1 subfolder \(inner\)$/),
    });
  });

  it("of which no picture can be read says so", async () => {
    await put("a/1.txt", "b/1.txt");
    for (const name of ["a", "b"]) await writeFile(join(root, name, "1.png"), "no picture");
    expect(await refusal()).toBe("photos train: expected PNG or JPEG pictures, found 2 that cannot be read");
  });
});

describe.skipIf(process.platform === "win32")("links in a folder of pictures (skipped on Windows)", () => {
  it("to pictures, to classes and to parts are followed, those that lead nowhere counted", async () => {
    await put(...numbered("../pool/b", 5), ...numbered("../pool/x", 1), ...numbered("train/a", 4));
    await symlink(join("..", "..", "..", "pool", "x", "0.png"), join(root, "train", "a", "linked.png"));
    await symlink("nowhere.png", join(root, "train", "a", "broken.png"));
    await symlink(join("..", "..", "pool", "b"), join(root, "train", "b"));
    await mkdir(join(root, "..", "other"));
    await symlink(join("..", "pool"), join(root, "..", "other", "val"));
    await symlink(join("..", "other", "val"), join(root, "val"));
    const { classes, train, test, lines } = await load();
    expect(classes).toEqual(["a", "b"]);
    expect(train).toContain("a: train/a/linked.png");
    expect(train).toHaveLength(10);
    expect(test).toEqual(numbered("val/b", 5).map((file) => `b: ${file}`));
    expect(lines).toEqual([
      "left out: photos/train/a: all but files named .png, .jpg or .jpeg (1)",
      "left out: photos/val/x: photos/train has no class of that name with pictures",
      "photos/val: no pictures of a: not tested",
    ]);
    expect(lstatSync(join(root, "val")).isSymbolicLink()).toBe(true);
  });

  it("that lead in a circle, or to a class that is there already, are named and left out", async () => {
    await put(...numbered("a", 5), ...numbered("b", 5));
    await symlink("..", join(root, "a", "up"));
    await symlink(".", join(root, "loop"));
    await symlink("self", join(root, "self"));
    await symlink("b", join(root, "z"));
    const { classes, train, lines } = await load();
    expect(classes).toEqual(["a", "b"]);
    expect(train).toHaveLength(8);
    expect(lines).toEqual([
      "left out: photos/a: all but files named .png, .jpg or .jpeg (1)",
      "left out: photos/loop: no PNG or JPEG pictures in it, but 5 other files or folders",
      "left out: photos/z: it is the same folder as photos/b",
    ]);
  });

  it("from test to train are refused: the accuracy would be that of pictures that were trained on", async () => {
    await put("train/a/1.png", "train/b/1.png");
    await symlink("train", join(root, "test"));
    expect(await refusal()).toBe(
      "photos/test: expected other pictures than those of photos/train, found the same folder",
    );
  });
});

describe("more than 256 classes", () => {
  const names = Array.from({ length: 300 }, (_, n) => `c${String(n).padStart(3, "0")}`);

  it("keep their labels in a folder of pictures", async () => {
    await put(...names.flatMap((name) => numbered(name, 2)));
    const { train, test } = await loadPictureFolder(root, () => {});
    for (const part of [train, test]) expect([...part.labels]).toEqual(names.map((_, n) => n));
    expect(train.files?.[299]).toBe("c299/0.png");
  });

  it("are refused where a label is a byte: in CIFAR's binary format, read or written", async () => {
    const dataset = { ...shapes({ count: 2 }), classes: names };
    expect(() => encodeRecords(dataset)).toThrow(/at most 256 classes, not .* of 300/);
    const records = encodeRecords(shapes({ count: 2 }));
    await mkdir(root, { recursive: true });
    for (const file of ["data_batch_1.bin", "test_batch.bin"]) await writeFile(join(root, file), records);
    await writeFile(join(root, "batches.meta.txt"), names.join("\n"));
    await expect(loadData(root, { download: false, onNotice: () => {} })).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringMatching(/binary format tells 256 classes apart, but 300 are named$/),
    });
  });
});

describe("a list of classes in CIFAR's binary format", () => {
  const listed = async (content: string | Uint8Array) => {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, "batches.meta.txt"), content);
    return foreignClasses(root);
  };

  it.each([
    ["with a byte-order mark", "\uFEFFone\ntwo\n"],
    ["with the line ends of Windows", "one\r\ntwo\r\n"],
    ["with the line ends of old Macs", "one\rtwo"],
    ["with blank lines and blanks around the names", "\n one \n\n\ttwo\n \n"],
  ])("%s is read as without", async (_, text) => {
    expect(await listed(text)).toEqual(["one", "two"]);
  });

  it.each([
    ["with a name twice", "one\ntwo\none\n", "found one twice"],
    ["without a name", "\n\uFEFF \n", "found none"],
    ["in UTF-16", Buffer.from("\uFEFFone\ntwo\n", "utf16le"), "in UTF-8, found another encoding"],
  ])("%s is refused", async (_, content, found) => {
    await expect(listed(content)).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringMatching(
        new RegExp(`batches\\.meta\\.txt: expected a list of classes, one a line.*${found}$`),
      ),
    });
  });

  it("that is CIFAR-10's with a byte-order mark is CIFAR-10's", async () => {
    const { CIFAR10_CLASSES } = await import("../src/dataset/cifar10-files.js");
    expect(await listed(`\uFEFF${CIFAR10_CLASSES.join("\r\n")}\r\n`)).toBeUndefined();
  });

  it("is that of the pictures", async () => {
    await listed("\uFEFFa\nb\nc\nd\ne\nf\ng\nh\ni\nj");
    for (const file of ["data_batch_1.bin", "test_batch.bin"]) {
      await writeFile(join(root, file), encodeRecords(shapes({ count: 10 })));
    }
    const { train } = await loadBinaryFolder(root, (await foreignClasses(root))!);
    expect(train.classes[train.labels[0]!]).toBe("a");
  });
});
