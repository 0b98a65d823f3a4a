import { describe, expect, test } from "vitest";
import { drawBars, FILLS, INK } from "../src/page/chart.js";
import type { ChartOptions } from "../src/suite.js";

const ratios: ChartOptions = { column: "faster by", axis: "times as fast", scale: "log", reference: 1 };
const bars = [
  { case: "batch 1", label: "a peer", node: "Node 20", value: 0.5, text: "0.50×" },
  { case: "batch 1", label: "a peer", node: "Node 24", value: 2, text: "2.00×" },
  { case: "batch 64", label: "another", node: "Node 24", value: 4, text: "4.00×" },
];

/** Left edge and width of each bar, in the order of drawing. */
function rectangles(svg: string): readonly { left: number; width: number }[] {
  return [...svg.matchAll(/aria-roledescription="bar" d="M([\d.]+),[\d.]+h([\d.]+)v/g)].map(([, left, width]) => ({
    left: Number(left),
    width: Number(width),
  }));
}

/** WCAG 2's contrast of two colours, 1 to 21. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

describe("a chart", () => {
  test("names axis, cases, rows, Nodes and figures", async () => {
    const svg = await drawBars(ratios, bars);
    for (const text of [
      "times as fast",
      "batch 1",
      "batch 64",
      "a peer",
      "another",
      "Node 20",
      "Node 24",
      "0.50×",
      "4.00×",
    ]) {
      expect(svg).toContain(`>${text}<`);
    }
  });

  test("draws ratios from 1 to either side, by their logarithm", async () => {
    const [half, twice, fourfold] = rectangles(await drawBars(ratios, bars));
    expect(half!.left + half!.width).toBeCloseTo(twice!.left, 1);
    expect(twice!.width).toBeCloseTo(half!.width, 1);
    expect(fourfold!.width).toBeCloseTo(2 * twice!.width, 1);
  });

  test("draws shares from 0, by their size", async () => {
    const [half, twice, fourfold] = rectangles(await drawBars({ ...ratios, scale: "linear" }, bars));
    expect(half!.left).toBe(0);
    expect(twice!.width).toBeCloseTo(4 * half!.width, 1);
    expect(fourfold!.width).toBeCloseTo(8 * half!.width, 1);
  });

  test("is the same text each time, so that a page can be compared with a fresh one", async () => {
    expect(await drawBars(ratios, bars)).toBe(await drawBars(ratios, bars));
  });

  test("has no background, and no colour but those that stand out from white and from black pages", async () => {
    const colours = (await drawBars(ratios, bars)).match(/#[0-9a-f]{3,6}\b/gi) ?? [];
    expect(new Set(colours)).toEqual(new Set([INK, FILLS[0], FILLS[1]]));
    for (const page of ["#ffffff", "#0d1117"]) {
      expect(contrast(INK, page)).toBeGreaterThan(4);
      for (const fill of FILLS) expect(contrast(fill, page)).toBeGreaterThan(3);
    }
  });
});
