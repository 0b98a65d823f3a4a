import { CifarError } from "../errors.js";
import { withEpochs } from "../recipes.js";
import type { ResumedRun } from "./run-folder.js";

/** What may be another when a run goes on. */
export interface ResumeChanges {
  /** Where its data are now: that they are the same, the checkpoint's digest says. */
  readonly data?: string;
  /** Of the whole run, those behind it included. */
  readonly epochs?: number;
}

/**
 * A run that goes on with changes, to the same bytes as one that had them from its first step. So the number of epochs
 * can change only where the recipe takes every step the same way, however many follow.
 * @throws CifarError INVALID_ARGUMENT
 */
export function changeRun(run: ResumedRun, changes: ResumeChanges): ResumedRun {
  const moved = changes.data === undefined ? run : { ...run, settings: { ...run.settings, data: changes.data } };
  const { epochs } = changes;
  if (epochs === undefined || epochs === run.settings.recipe.training.epochs) return moved;
  checkEpochs(run, epochs);
  const { settings, checkpoint } = moved;
  return {
    ...moved,
    settings: { ...settings, recipe: withEpochs(settings.recipe, epochs) },
    checkpoint: checkpoint && { ...checkpoint, plan: { ...checkpoint.plan, epochs } },
  };
}

function checkEpochs({ files, settings: { recipe }, events }: ResumedRun, epochs: number): void {
  const { training, name } = recipe;
  const refuse = (why: string) => new CifarError("INVALID_ARGUMENT", `--epochs ${epochs}: ${files.folder} ${why}`);
  const curved = training.schedule !== undefined && training.schedule.type !== "constant";
  if (curved || training.averaging !== undefined) {
    throw refuse(
      `follows a learning rate that is laid out for its ${training.epochs} epochs, so that a run of ${epochs} differs from ` +
        `its first step on: begin one with --recipe ${name} --epochs ${epochs}`,
    );
  }
  const begun = Math.max(1, ...events.map((event) => (event.type === "step" ? event.epoch : 0)));
  if (begun > epochs) throw refuse(`is in epoch ${begun} already: expected at least so many`);
}
