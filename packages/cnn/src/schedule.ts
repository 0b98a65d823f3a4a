import { CnnError } from "./errors.js";
import { checkWord } from "./option.js";
import { shown } from "./printable.js";

/** How the learning rate changes over a run; fractions are of the peak rate or of all steps. */
export type Schedule =
  | { readonly type: "constant" }
  /** One cycle: rises in a line from `start` to 1 at `peakAt`, falls in a line to `end`. */
  | { readonly type: "triangular"; readonly peakAt: number; readonly start: number; readonly end: number }
  /** Rises in a line from 0 during `warmup`, then falls along half a cosine to `end`. */
  | { readonly type: "cosine"; readonly warmup: number; readonly end: number };

/**
 * Throws unless it is one of the three and its fractions are between 0 and 1.
 * @throws CnnError INVALID_ARGUMENT
 */
export function checkSchedule(schedule: Schedule): void {
  checkWord("schedule.type", schedule?.type, ["constant", "triangular", "cosine"]);
  switch (schedule.type) {
    case "constant":
      return;
    case "triangular":
      fraction("peakAt", schedule.peakAt);
      fraction("start", schedule.start);
      fraction("end", schedule.end);
      return;
    case "cosine":
      fraction("warmup", schedule.warmup);
      fraction("end", schedule.end);
      return;
  }
}

/**
 * Learning rate of one step.
 * @param peak the highest rate
 * @param step from 0 to `steps` − 1
 * @param steps of the whole run
 */
export function learningRateAt(schedule: Schedule, peak: number, step: number, steps: number): number {
  switch (schedule.type) {
    case "constant":
      return peak;
    case "triangular": {
      const top = schedule.peakAt * steps;
      if (step < top) return peak * (schedule.start + (1 - schedule.start) * (step / top));
      if (steps - top <= 0) return peak;
      return peak * (1 + (schedule.end - 1) * ((step - top) / (steps - top)));
    }
    case "cosine": {
      const warm = schedule.warmup * steps;
      // The first step of a warm-up would else have a rate of 0 and do nothing.
      if (step < warm) return peak * Math.min(1, (step + 1) / warm);
      if (steps - warm <= 0) return peak;
      return peak * (schedule.end + (1 - schedule.end) * halfCosine((step - warm) / (steps - warm)));
    }
  }
}

/**
 * (1 + cos(πx)) / 2 for 0 ≤ x ≤ 1 from additions and multiplications alone: engines and C libraries round `Math.cos`
 * differently in the last bit, and a seed has to give the same weights everywhere.
 */
function halfCosine(x: number): number {
  // (1 + cos πx) / 2 = cos²(πx/2) = 1 − sin²(πx/2); sin by its Taylor series, whose 12th term is below 1e-18 here.
  const angle = x <= 0.5 ? (Math.PI * x) / 2 : (Math.PI * (1 - x)) / 2;
  let term = angle;
  let sine = angle;
  for (let k = 1; k < 12; k++) {
    term *= -(angle * angle) / (2 * k * (2 * k + 1));
    sine += term;
  }
  return x <= 0.5 ? 1 - sine * sine : sine * sine;
}

function fraction(what: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new CnnError("INVALID_ARGUMENT", `schedule: ${what} must be between 0 and 1, not ${shown(value)}`);
}
