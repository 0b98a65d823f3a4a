import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makePage } from "../src/page/page.js";
import { readAllResults } from "../src/page/write.js";
import type { Suite, Table } from "../src/suite.js";
import { suites } from "../src/suites/index.js";
import { runIn } from "./support/runs.ts";

const bench = fileURLToPath(new URL("../", import.meta.url));
const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

describe("the page in docs", () => {
  test("is what the committed results give, pictures included", async () => {
    const { markdown, images } = await makePage(suites, await readAllResults(suites, `${bench}results/`));
    const again = "npm run bench -- --page writes it anew";
    expect(await readFile(`${docs}benchmarks.md`, "utf8"), again).toBe(markdown);
    for (const [name, svg] of images) expect(await readFile(`${docs}images/${name}`, "utf8"), again).toBe(svg);
    const drawn = (await readdir(`${docs}images/`)).filter((name) => name.startsWith("bench-"));
    expect(drawn.sort()).toEqual([...images.keys()].sort());
  });

  test("has its warnings beside the figures of the README too, which are the same", async () => {
    const readme = await readFile(`${docs}../README.md`, "utf8");
    const measured = readme.slice(readme.indexOf("## Measured"), readme.indexOf("## The function"));
    const wrong = suites.flatMap(({ caveats = [] }) => caveats).join("\n");
    expect(measured.includes("measured anew")).toBe(wrong !== "");
    for (const word of ["optimize_for_inference", "TensorFlow", "jax-js"]) {
      if (wrong.includes(word)) expect(measured).toContain(word);
    }
  });

  test("is made of results of suites that exist", async () => {
    const files = await readdir(`${bench}results/`);
    expect(suites.map(({ name }) => `${name}.json`)).toEqual(expect.arrayContaining(files));
  });
});

describe("a page", () => {
  const table: Table = { title: "a case", columns: ["", "by"], rows: [["peer", "2.00×"]], notes: ["a note"] };
  const run = async () => [];
  const drawn: Suite = {
    name: "drawn",
    summary: "with a chart",
    chart: { column: "by", axis: "times as fast", scale: "log", reference: 1 },
    run,
  };
  const plain: Suite = { name: "plain", summary: "without", run };
  const unmeasured: Suite = { name: "unmeasured", summary: "nothing", run };
  const results = [
    { suite: "plain", runs: [runIn("v20.19.0", [table])] },
    { suite: "unmeasured", runs: [] },
    { suite: "drawn", runs: [runIn("v20.19.0", [table]), runIn("v24.1.0", [table])] },
  ];

  test("lets ratios lead, picture first, and gives every run its command and machine", async () => {
    const { markdown, images } = await makePage([drawn], results);
    const places = [
      "## drawn",
      "With a chart.",
      "![times as fast](images/bench-drawn.svg)",
      "|  | a case, Node 20 | a case, Node 24 |",
      "<summary>All figures in Node v20.19.0</summary>",
      "`npm run bench -- --suite infer`, 2026-01-31: a processor, 2 cores, 8 GB, linux 6, Node v20.19.0.",
      "### a case",
      "- a note",
      "<summary>All figures in Node v24.1.0</summary>",
    ].map((text) => markdown.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect([...images.keys()]).toEqual(["bench-drawn.svg"]);
  });

  test("says before a suite's figures what is wrong with them", async () => {
    const { markdown } = await makePage(
      [{ ...drawn, caveats: ["One is a straw man.", "One is missing."] }, plain],
      results,
    );
    const warning = "Until all peers are measured anew:\n\n- One is a straw man.\n- One is missing.";
    expect(markdown.indexOf("With a chart.")).toBeLessThan(markdown.indexOf(warning));
    expect(markdown.indexOf(warning)).toBeLessThan(markdown.indexOf("![times as fast]"));
    expect(markdown.match(/Until all peers/g)).toHaveLength(1);
  });

  test("follows the order of the suites, without pictures where none are drawn, and leaves out what was not measured", async () => {
    const { markdown } = await makePage([plain, unmeasured, drawn], results);
    expect(markdown.match(/^## .*/gm)).toEqual(["## plain", "## drawn"]);
    expect(markdown.match(/!\[/g)).toHaveLength(1);
  });
});
