import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { shellWord } from "../src/shell-word.js";

const hasBash = (() => {
  try {
    return execFileSync("bash", ["-c", "echo yes"], { encoding: "utf8" }) === "yes\n";
  } catch {
    return false;
  }
})();

describe("shellWord", () => {
  it
    .skipIf(!hasBash)
    .each([
      "runs/paper-seed0",
      'my runs/it\'s "mine"',
      "$HOME `id` $(id) ; & | * ? ~ ! # \\",
      "two\nlines",
      "\x1b[31mred'\\\x85é\u202egnp",
      "",
    ])("is read by a shell as the word %j that it was (skipped without bash)", (word) => {
    const read = execFileSync("bash", ["-c", `printf %s ${shellWord(word)}`], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    expect(read).toBe(word);
  });

  it("leaves alone what needs no quotes and writes no control characters", () => {
    expect(shellWord("runs/paper-seed0")).toBe("runs/paper-seed0");
    expect(shellWord("\x1b]0;title\x07")).not.toMatch(/\p{Cc}/u);
  });

  it("quotes for Windows as its shells read it", () => {
    expect(shellWord("C:\\runs\\a", "win32")).toBe("C:\\runs\\a");
    expect(shellWord("C:\\my runs\\a", "win32")).toBe('"C:\\my runs\\a"');
  });
});
