import { accuracyInterval, percent } from "../report/report.js";
import type { Measurement } from "../training/measure.js";
import { columns } from "./format.js";

/** What was measured, in words: the headline first, then what is told beside it. */
export function describeMeasurement(measurement: Measurement): string {
  const { evaluation, flipAveraged, uncalibrated, calibrated } = measurement;
  const { accuracy, correct, total, perClass, loss } = evaluation;
  const { low, high } = accuracyInterval(correct, total);
  return [
    `test accuracy ${percent(accuracy)} (${correct} of ${total}, 95 % interval ${percent(low)} to ${percent(high)})`,
    `  loss ${loss.toFixed(4)}; beside it, with mirror images averaged in: ${percent(flipAveraged.accuracy)}`,
    `  calibration error ${percent(uncalibrated.error)}, with temperature ${calibrated.temperature} ` +
      `${percent(calibrated.error)}`,
    columns(
      perClass.map((of) => [`  ${of.label}`, `${of.correct}`, "of", `${of.total}`, percent(of.accuracy)]),
      [1, 3, 4],
    ),
  ].join("\n");
}

/** The same for programs. */
export function measurementRecord(measurement: Measurement): { readonly [name: string]: unknown } {
  const { evaluation, flipAveraged, uncalibrated, calibrated } = measurement;
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  return {
    ...evaluation,
    interval: [low, high],
    flipAveraged,
    calibration: { before: uncalibrated, after: calibrated },
  };
}
