import { breathe } from "#platform";
import { checkDataset, type Dataset } from "./dataset.js";
import { CnnError } from "./errors.js";
import { classesOf } from "./evaluate.js";
import { LONGEST_BREATH } from "./evaluation.js";
import type { EpochEvent, FitEvent, FitOptions, FitResult, TakeCheckpoint, TakeLogits } from "./fit-options.js";
import { resolvePlan } from "./plan.js";
import type { Sequential } from "./sequential.js";
import { Trainer } from "./trainer.js";

/**
 * Trains a network. Events come after each step and each epoch; the run goes on when the next one is asked for, and ends
 * when the loop over them is left. The model's parameters are updated at the end of each epoch and of the run.
 *
 * The same model, data and options give the same weights to the last bit on one backend (`wasm`, `reference`), however many
 * threads compute and however often the run was stopped and resumed. Two backends agree within rounding.
 * @throws CnnError INVALID_ARGUMENT, SHAPE_MISMATCH, CHECKPOINT_MISMATCH, BACKEND_UNAVAILABLE before the first event;
 * NOT_FINITE when the loss or the weights become NaN or Infinity (the model keeps the state of its last good epoch);
 * WORKER_FAILED when a thread dies
 */
export async function* fit(
  model: Sequential,
  data: { readonly train: Dataset; readonly validation?: Dataset },
  options: FitOptions,
): AsyncGenerator<FitEvent, FitResult> {
  const { train, validation } = data;
  const network = { input: model.input, outputs: classesOf(model) };
  checkDataset(train, network);
  if (validation !== undefined) checkDataset(validation, network);
  const plan = resolvePlan(options, model.input.at(-1)!);
  checkDropout(model, Math.max(plan.dropout.start, plan.dropout.end));

  const begun = performance.now();
  const trainer = await Trainer.open({ model, train, plan }, options);
  try {
    const { engine, steps, stepsPerEpoch } = trainer;
    const take = (): TakeCheckpoint => {
      const { step } = trainer;
      return async () => {
        if (trainer.step === step && !engine.closed) return trainer.checkpoint();
        throw new CnnError("CLOSED", `fit: the run has gone on since step ${step}, its checkpoint is gone`);
      };
    };
    yield {
      type: "start",
      steps,
      stepsPerEpoch,
      step: trainer.step,
      parameters: model.parameterCount,
      backend: engine.backend.description,
      threads: engine.runner.threads,
    };

    let epochBegun = performance.now();
    let breath = epochBegun;
    let pictures = 0;
    while (trainer.step < steps) {
      if (options.signal?.aborted) {
        await trainer.updateModel();
        yield { type: "stop", step: trainer.step, epoch: trainer.epoch + 1, checkpoint: take() };
        return { steps: trainer.step, stopped: true, seconds: secondsSince(begun) };
      }
      const epoch = trainer.epoch + 1;
      const before = trainer.step % stepsPerEpoch === 0 ? 0 : trainer.epochLoss.pictures;
      await trainer.advance();
      pictures += trainer.epochLoss.pictures - before;
      const imagesPerSecond = pictures / secondsSince(epochBegun);
      const { step, loss, learningRate } = trainer;
      yield { type: "step", step, epoch, loss, learningRate, imagesPerSecond, checkpoint: take() };

      if (step % stepsPerEpoch === 0) {
        await trainer.updateModel();
        const { sum, pictures: counted } = trainer.epochLoss;
        const measured = validation && (await trainer.validate(validation));
        const event: EpochEvent = {
          type: "epoch",
          epoch,
          trainLoss: sum / counted,
          ...(measured && { validationLoss: measured.loss, validationAccuracy: measured.accuracy }),
          imagesPerSecond,
          seconds: secondsSince(epochBegun),
          checkpoint: take(),
        };
        yield event;
        epochBegun = performance.now();
        pictures = 0;
      }
      if (performance.now() - breath > LONGEST_BREATH) {
        await breathe();
        breath = performance.now();
      }
    }
    await trainer.updateModel();
    const seconds = secondsSince(begun);
    const predictLogits: TakeLogits = async (dataset, inference) => {
      if (engine.closed) throw new CnnError("CLOSED", "fit: the run has ended, and its engine with it");
      checkDataset(dataset, network);
      return trainer.predictLogits(dataset, inference);
    };
    yield { type: "end", steps, seconds, predictLogits };
    return { steps, stopped: false, seconds };
  } finally {
    trainer.close();
  }
}

function checkDropout(model: Sequential, factor: number): void {
  for (const [index, layer] of model.layers.entries()) {
    if (layer.type !== "dropout" || layer.rate * factor < 1) continue;
    throw new CnnError(
      "INVALID_ARGUMENT",
      `fit: dropout factor ${factor} takes layer ${index} to a rate of ${layer.rate * factor}, it must stay below 1`,
    );
  }
}

function secondsSince(moment: number): number {
  // At least a microsecond, since a browser's clock may stand still for a step.
  return Math.max(performance.now() - moment, 0.001) / 1000;
}
