import { lineChart, smooth, thin } from "./chart.js";
import { reliabilityChart } from "./reliability-chart.js";
import { epochsOf, percent, type ReportData, startOf, stepsOf } from "./report.js";

/** Points of the loss curve: more are not told apart at its width. */
const LOSS_POINTS = 400;

/** Loss by epoch, of training, of the held-out pictures and, at the end, of the test pictures: where they part is over-fitting. */
export function lossChart(report: ReportData): string {
  const { stepsPerEpoch = 1 } = startOf(report) ?? {};
  const raw = thin(
    stepsOf(report).map(({ step, loss }) => ({ x: step / stepsPerEpoch, y: loss })),
    LOSS_POINTS,
  );
  const validation = epochsOf(report).flatMap(({ epoch, validationLoss }) =>
    validationLoss === undefined ? [] : [{ x: epoch, y: validationLoss }],
  );
  const { loss } = report.measurement.evaluation;
  const test = [raw[0], raw.at(-1)].flatMap((point) => (point === undefined ? [] : [{ x: point.x, y: loss }]));
  return lineChart({
    title: "Loss of training, held-out and test pictures by epoch",
    xLabel: "epoch",
    yLabel: "cross-entropy",
    yFormat: (value) => String(value),
    curves: [
      { name: "training, raw", colour: 1, points: raw, faint: true },
      { name: "training", colour: 1, points: smooth(raw, 20), marked: raw.length < 3 },
      { name: "held-out pictures", colour: 2, points: validation, marked: true },
      { name: "test, at the end", colour: 2, points: test, dashed: true },
    ],
  });
}

/** Accuracy on the held-out pictures by epoch. */
export function accuracyChart(report: ReportData): string {
  const points = epochsOf(report).flatMap(({ epoch, validationAccuracy }) =>
    validationAccuracy === undefined ? [] : [{ x: epoch, y: validationAccuracy }],
  );
  return lineChart({
    title: "Validation accuracy by epoch",
    xLabel: "epoch",
    yLabel: "accuracy",
    yFormat: (value) => percent(value, 0),
    yDomain: [0, Math.max(0.2, ...points.map(({ y }) => y))],
    curves: [{ name: "held-out training pictures", colour: 2, points, marked: true }],
  });
}

/** How often answers of each confidence are right. */
export function reliabilityOf({ measurement }: ReportData): string {
  return reliabilityChart({ before: measurement.uncalibrated, after: measurement.calibrated });
}
