import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomic } from "../src/node.js";

const NO_LINKS = process.platform === "win32";

/** Every device, pipe and link stands in a folder of its own: a mistake in what is tested must not cost a machine its own. */
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cnn-write-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const here = (...names: string[]) => join(folder, ...names);

/** A device node that swallows everything, as /dev/null does; false where this process may not make or open one. */
function makeNullDevice(path: string): boolean {
  try {
    execFileSync("mknod", [path, "c", "1", "3"], { stdio: "ignore" });
    execFileSync("sh", ["-c", 'echo x > "$1"', "sh", path], { stdio: "ignore" });
    return lstatSync(path).isCharacterDevice();
  } catch {
    return false;
  }
}

describe.skipIf(NO_LINKS)("a file that is written (skipped on Windows, which has other links and devices)", () => {
  it("through a symbolic link changes what the link points to, and the link stays", async () => {
    await mkdir(here("real"));
    await mkdir(here("links"));
    await writeFile(here("real", "file"), "old");
    await symlink(join("..", "real", "file"), here("links", "file"));
    await symlink(here("links", "file"), here("second"));
    await writeFileAtomic(here("second"), "new");
    expect(await readFile(here("real", "file"), "utf8")).toBe("new");
    expect(await readlink(here("links", "file"))).toBe(join("..", "real", "file"));
    expect(await readlink(here("second"))).toBe(here("links", "file"));
    for (const name of ["real", "links"]) expect(await readdir(here(name))).toEqual(["file"]);
  });

  it("through a link to a file that is not there yet makes that file", async () => {
    await mkdir(here("other", "place"), { recursive: true });
    await mkdir(here("links"));
    // The way up leads from where the folder really is.
    await symlink(here("other", "place"), here("links", "folder"));
    await symlink(join("..", "made"), here("other", "place", "file"));
    await writeFileAtomic(here("links", "folder", "file"), "new");
    expect(await readFile(here("other", "made"), "utf8")).toBe("new");
    expect((await lstat(here("other", "place", "file"))).isSymbolicLink()).toBe(true);
    expect(await readdir(here("links"))).toEqual(["folder"]);
  });

  it("through links that lead in a circle is refused, and they stay", async () => {
    await symlink(here("b"), here("a"));
    await symlink(here("a"), here("b"));
    await expect(writeFileAtomic(here("a"), "new")).rejects.toMatchObject({ code: "ELOOP" });
    expect((await readdir(folder)).sort()).toEqual(["a", "b"]);
  });

  it("to a device goes into the device, which stays one (skipped where none can be made)", async (test) => {
    if (!makeNullDevice(here("device"))) return test.skip("to make a device node takes root");
    await symlink(here("device"), here("link"));
    for (const name of ["device", "link"]) await writeFileAtomic(here(name), Uint8Array.of(1, 2, 3));
    expect((await lstat(here("device"))).isCharacterDevice()).toBe(true);
    expect((await lstat(here("link"))).isSymbolicLink()).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["device", "link"]);
  });

  it("to a named pipe goes to who reads it, however long it is, and the pipe stays one", async () => {
    execFileSync("mkfifo", [here("pipe")]);
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    const [read] = await Promise.all([readFile(here("pipe")), writeFileAtomic(here("pipe"), bytes)]);
    expect(read.equals(bytes)).toBe(true);
    expect((await lstat(here("pipe"))).isFIFO()).toBe(true);
    expect(await readdir(folder)).toEqual(["pipe"]);
  });

  it("over another one keeps who may read and write it", async () => {
    await writeFile(here("file"), "old");
    for (const mode of [0o600, 0o640, 0o755]) {
      await chmod(here("file"), mode);
      await writeFileAtomic(here("file"), "new");
      expect((await stat(here("file"))).mode & 0o777).toBe(mode);
    }
  });

  it.skipIf(process.getuid?.() === 0)("over one that is write-protected is refused (skipped for root)", async () => {
    await writeFile(here("file"), "old", { mode: 0o444 });
    await expect(writeFileAtomic(here("file"), "new")).rejects.toMatchObject({ code: "EACCES" });
    expect(await readFile(here("file"), "utf8")).toBe("old");
  });

  it.skipIf(process.getuid?.() !== 0)(
    "by root over another user's stays that user's (skipped for others)",
    async () => {
      await writeFile(here("file"), "old");
      execFileSync("chown", ["12345:23456", here("file")]);
      await writeFileAtomic(here("file"), "new");
      expect(await stat(here("file"))).toMatchObject({ uid: 12345, gid: 23456 });
    },
  );

  it("may have a name as long as the file system takes", async () => {
    const name = "n".repeat(255);
    await writeFileAtomic(here(name), "new");
    expect(await readdir(folder)).toEqual([name]);
  });
});
