import type { BatchQueue } from "./batch-queue.js";
import { argmax, type Classifier } from "./classifier.js";
import { Problem } from "./problem.js";
import { readRecords } from "./records.js";

/** The answer to `POST /evaluate`. */
export interface Evaluation {
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  /** Of each class: how many pictures were sent, how many of them were recognised. */
  readonly classes: readonly { readonly label: string; readonly total: number; readonly correct: number }[];
  /** Pictures by [actual class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
}

export interface EvaluationOptions {
  readonly classifier: Classifier;
  readonly queue: BatchQueue;
  readonly signal: AbortSignal;
}

/**
 * Classifies CIFAR records as they come in and counts. What has been counted is forgotten, so the memory needed does
 * not grow with the body.
 * @throws Problem invalid-picture
 */
export async function evaluateRecords(
  body: AsyncIterable<Uint8Array>,
  { classifier, queue, signal }: EvaluationOptions,
): Promise<Evaluation> {
  const classes = classifier.classes.length;
  const confusion = classifier.classes.map(() => new Array<number>(classes).fill(0));
  const format = { shape: classifier.shape, classes };
  for await (const { count, pixels, labels } of readRecords(body, format, classifier.batch.most)) {
    const probabilities = await queue.run(pixels, signal);
    for (let picture = 0; picture < count; picture++) {
      const row = confusion[labels[picture]!]!;
      const predicted = argmax(probabilities, picture, classes);
      row[predicted] = row[predicted]! + 1;
    }
  }
  const perClass = classifier.classes.map((label, index) => ({
    label,
    total: confusion[index]!.reduce((sum, each) => sum + each, 0),
    correct: confusion[index]![index]!,
  }));
  const total = perClass.reduce((sum, each) => sum + each.total, 0);
  const correct = perClass.reduce((sum, each) => sum + each.correct, 0);
  if (total === 0) {
    throw new Problem(
      "invalid-picture",
      "The body is empty; send records of CIFAR's binary version, such as test_batch.bin.",
    );
  }
  return { accuracy: correct / total, correct, total, classes: perClass, confusion };
}
