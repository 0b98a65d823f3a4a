import type { Backend } from "../../src/index.js";
import { fill, fillLabels } from "./backends.js";

/** What softmax and cross-entropy make of logits and labels. */
export async function crossEntropy(
  backend: Backend,
  spec: { readonly batch: number; readonly classes: number; readonly labelSmoothing?: number },
  given: { readonly logits: ArrayLike<number>; readonly labels: readonly number[]; readonly scale?: number },
) {
  const { batch, classes } = spec;
  const { logits, labels, scale = 1 } = given;
  const loss = backend.softmaxCrossEntropy(spec);
  const labelTensor = await fillLabels(backend, labels);
  const [probabilities, losses] = [backend.tensor([batch, classes]), backend.tensor([batch])];
  const gradient = backend.tensor([batch, classes]);
  await loss.forward(await fill(backend, [batch, classes], logits), labelTensor, probabilities, losses);
  await loss.backward(probabilities, labelTensor, scale, gradient);
  return {
    probabilities: await backend.read(probabilities),
    losses: await backend.read(losses),
    gradient: await backend.read(gradient),
  };
}

const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
/** Probabilities of the logits 0 and 1. */
const [p, q] = [0.2689414322376251, 0.7310585975646973];

/**
 * What PyTorch 2.15 gives for logits that are not finite: `softmax`, and `cross_entropy` with its gradient. A class of
 * probability 0 costs nothing unless it is asked for; what has no largest finite logit is NaN.
 */
const NOT_FINITE = [
  { logits: [0, -inf], label: 0, smoothing: 0, loss: 0, probabilities: [1, 0], gradient: [0, 0] },
  { logits: [0, -inf], label: 1, smoothing: 0, loss: inf, probabilities: [1, 0], gradient: [1, -1] },
  { logits: [0, -inf], label: 0, smoothing: 0.3, loss: inf, probabilities: [1, 0], gradient: [0.15, -0.15] },
  { logits: [0, -inf], label: 1, smoothing: 0.3, loss: inf, probabilities: [1, 0], gradient: [0.85, -0.85] },
  { logits: [-inf, 0, 1], label: 0, smoothing: 0, loss: inf, probabilities: [0, p, q], gradient: [-1, p, q] },
  { logits: [-inf, 0, 1], label: 1, smoothing: 0, loss: 1.3132616, probabilities: [0, p, q], gradient: [0, -q, q] },
  {
    logits: [-inf, 0, 1],
    label: 1,
    smoothing: 0.3,
    loss: inf,
    probabilities: [0, p, q],
    gradient: [-0.1, -0.53105854988, 0.6310585737],
  },
  { logits: [-inf, -inf, 2], label: 2, smoothing: 0, loss: 0, probabilities: [0, 0, 1], gradient: [0, 0, 0] },
  {
    logits: [-inf, -inf, 2],
    label: 0,
    smoothing: 0.3,
    loss: inf,
    probabilities: [0, 0, 1],
    gradient: [-0.8, -0.1, 0.9],
  },
  ...[0, 0.3].flatMap((smoothing) =>
    [
      [0, inf],
      [inf, inf],
      [-inf, -inf],
      [0, nan],
      [inf, -inf],
    ].map((logits) => ({
      logits,
      label: 0,
      smoothing,
      loss: nan,
      probabilities: [nan, nan],
      gradient: [nan, nan],
    })),
  ),
] as const;

/** Expected values of `NOT_FINITE` that a backend misses by more than rounding, as text; none if all is right. */
export async function missedNotFinite(backend: Backend): Promise<string[]> {
  const missed: string[] = [];
  for (const classes of [2, 3]) {
    for (const labelSmoothing of [0, 0.3]) {
      const rows = NOT_FINITE.filter((row) => row.logits.length === classes && row.smoothing === labelSmoothing);
      const spec = { batch: rows.length, classes, labelSmoothing };
      const logits = rows.flatMap((row) => row.logits);
      const result = await crossEntropy(backend, spec, { logits, labels: rows.map(({ label }) => label) });
      const alone = await fill(backend, [rows.length, classes], logits);
      await backend.softmax(spec).forward(alone, alone);
      for (const [name, expected, actual] of [
        ["loss", rows.map(({ loss }) => loss), result.losses],
        ["probabilities", rows.flatMap(({ probabilities }) => probabilities), result.probabilities],
        ["gradient", rows.flatMap(({ gradient }) => gradient), result.gradient],
        ["softmax", rows.flatMap(({ probabilities }) => probabilities), await backend.read(alone)],
      ] as const) {
        for (const [index, value] of expected.entries()) {
          if (near(actual[index]!, value)) continue;
          const row = rows[Math.floor((index * rows.length) / expected.length)]!;
          missed.push(
            `${name} of [${row.logits}], label ${row.label}, smoothing ${labelSmoothing}: ${actual[index]} not ${value}`,
          );
        }
      }
    }
  }
  return missed;
}

function near(actual: number, expected: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) < 1e-6;
}
