import {
  type Calibration,
  calibration,
  type Dataset,
  type Evaluation,
  type LogitsOfBothSides,
  type LogitsOptions,
  predictBothSides,
  type Sequential,
  summariseLogits,
} from "@cifar/cnn";

/** What a model does on test pictures, in all that is told about it. */
export interface Measurement {
  /** Of the pictures as they are: the headline. */
  readonly evaluation: Evaluation;
  /** The mean of each picture's logits and those of its mirror image: told beside the headline, never in it. */
  readonly flipAveraged: Pick<Evaluation, "accuracy" | "correct" | "total" | "loss">;
  /** Of the probabilities as the network gives them, temperature 1. */
  readonly uncalibrated: Calibration;
  /** With the model's temperature; the same where it has none. */
  readonly calibrated: Calibration;
  /** [pictures, classes], of the pictures as they are. */
  readonly logits: Float32Array;
}

/**
 * Measures a model on test pictures.
 * @param options `temperature`: the model's own
 */
export async function measure(
  model: Sequential,
  test: Dataset,
  options: LogitsOptions & { readonly temperature: number },
): Promise<Measurement> {
  const { temperature, ...inference } = options;
  return measurementOf(await predictBothSides(model, test, inference), test, temperature);
}

/** What follows from a model's logits for test pictures. */
export function measurementOf(
  { asItIs: logits, mirrored }: LogitsOfBothSides,
  test: Dataset,
  temperature: number,
): Measurement {
  const mean = logits.map((value, index) => (value + mirrored[index]!) / 2);
  const { accuracy, correct, total, loss } = summariseLogits(mean, test);
  return {
    evaluation: summariseLogits(logits, test),
    flipAveraged: { accuracy, correct, total, loss },
    uncalibrated: calibration(logits, test.labels),
    calibrated: calibration(logits, test.labels, { temperature }),
    logits,
  };
}

/** The temperature of a model's probabilities, and where it comes from. */
export interface Temperature {
  readonly value: number;
  readonly source: string;
}
