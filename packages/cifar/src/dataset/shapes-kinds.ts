/** Parameters of one drawn figure, in pixels of the 32×32 picture unless said otherwise. */
export interface Figure {
  /** Its centre. */
  readonly x: number;
  readonly y: number;
  /** Half of its extent. */
  readonly radius: number;
  /** Cosine and sine of its rotation. */
  readonly cosine: number;
  readonly sine: number;
  /** 0 to 1: what else varies, such as the width of a ring or of stripes. */
  readonly variant: number;
}

/**
 * How much of a kind's foreground a point takes, 0 to 1, in the figure's own coordinates: turned, its centre at 0, its
 * extent from −1 to 1. Additions, multiplications, divisions and roots only: those are the same in every engine.
 */
type Coverage = (u: number, v: number, variant: number) => number;

/** The ten kinds in the order of their labels. */
export const SHAPE_KINDS: readonly { readonly name: string; readonly coverage: Coverage; readonly fills: boolean }[] = [
  { name: "circle", fills: false, coverage: (u, v) => within(u * u + v * v <= 1) },
  { name: "square", fills: false, coverage: (u, v) => within(largest(u, v) <= 0.8) },
  { name: "triangle", fills: false, coverage: (u, v) => within(insidePolygon(TRIANGLE, u, v)) },
  { name: "star", fills: false, coverage: (u, v) => within(insidePolygon(STAR, u, v)) },
  {
    name: "cross",
    fills: false,
    coverage: (u, v, variant) => within(largest(u, v) <= 1 && smallest(u, v) <= 0.22 + 0.14 * variant),
  },
  {
    name: "ring",
    fills: false,
    coverage: (u, v, variant) => {
      const inner = 0.5 + 0.2 * variant;
      const distance = u * u + v * v;
      return within(distance <= 1 && distance >= inner * inner);
    },
  },
  { name: "stripes", fills: true, coverage: (u, _, variant) => within(fraction(u * (1 + 1.5 * variant)) < 0.5) },
  {
    name: "checks",
    fills: true,
    coverage: (u, v, variant) => {
      const scale = 0.8 + 1.2 * variant;
      return within(fraction(u * scale) < 0.5 !== fraction(v * scale) < 0.5);
    },
  },
  { name: "gradient", fills: true, coverage: (u) => Math.min(1, Math.max(0, 0.5 + 0.32 * u)) },
  {
    name: "dots",
    fills: true,
    coverage: (u, v, variant) => {
      const scale = 1 + 1.2 * variant;
      const x = fraction(u * scale) - 0.5;
      const y = fraction(v * scale) - 0.5;
      return within(x * x + y * y <= 0.08);
    },
  },
];

/** Points of a pixel along one side, and where the first one lies. */
const POINTS = 4;
const FIRST = 1 / (2 * POINTS);

/**
 * How much of a pixel the figure covers, 0 to 1, from 4×4 points in it; from the outermost four where those agree, which
 * they do away from edges.
 * @param kind index into {@link SHAPE_KINDS}
 */
export function coverageOf(kind: number, figure: Figure, pixel: { readonly x: number; readonly y: number }): number {
  const first = coverageAt(kind, figure, pixel.x + FIRST, pixel.y + FIRST);
  const far = 1 - FIRST;
  if (
    first === coverageAt(kind, figure, pixel.x + far, pixel.y + FIRST) &&
    first === coverageAt(kind, figure, pixel.x + FIRST, pixel.y + far) &&
    first === coverageAt(kind, figure, pixel.x + far, pixel.y + far)
  ) {
    return first;
  }
  let sum = 0;
  for (let row = 0; row < POINTS; row++) {
    for (let column = 0; column < POINTS; column++) {
      sum += coverageAt(kind, figure, pixel.x + column / POINTS + FIRST, pixel.y + row / POINTS + FIRST);
    }
  }
  return sum / (POINTS * POINTS);
}

function coverageAt(kind: number, figure: Figure, x: number, y: number): number {
  const { cosine, sine, radius, variant } = figure;
  const dx = (x - figure.x) / radius;
  const dy = (y - figure.y) / radius;
  return SHAPE_KINDS[kind]!.coverage(cosine * dx + sine * dy, cosine * dy - sine * dx, variant);
}

/** Corners on and in the unit circle, three and five of them; from a table because `Math.sin` differs by engine. */
const TRIANGLE = [0, -1, 0.8660254, 0.5, -0.8660254, 0.5];
const STAR = [
  0, -1, 0.2245, -0.309, 0.9511, -0.309, 0.3633, 0.118, 0.5878, 0.809, 0, 0.382, -0.5878, 0.809, -0.3633, 0.118,
  -0.9511, -0.309, -0.2245, -0.309,
];

/** Even-odd rule: a ray to the right crosses the outline an odd number of times. */
function insidePolygon(corners: readonly number[], u: number, v: number): boolean {
  let inside = false;
  for (let to = 0, from = corners.length - 2; to < corners.length; from = to, to += 2) {
    const x0 = corners[from]!;
    const y0 = corners[from + 1]!;
    const x1 = corners[to]!;
    const y1 = corners[to + 1]!;
    if (y0 > v !== y1 > v && u < ((x1 - x0) * (v - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

function within(condition: boolean): number {
  return condition ? 1 : 0;
}

function largest(u: number, v: number): number {
  return Math.max(Math.abs(u), Math.abs(v));
}

function smallest(u: number, v: number): number {
  return Math.min(Math.abs(u), Math.abs(v));
}

function fraction(value: number): number {
  return value - Math.floor(value);
}
