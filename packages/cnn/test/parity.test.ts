import { describe, expect, it } from "vitest";
import { cifarCnn } from "../src/cifar-cnn.js";
import { CURRENT } from "../src/engine.js";
import { valuesOf } from "../src/evaluate.js";
import { Optimiser } from "../src/optimiser.js";
import { fromPyTorch, toPyTorch } from "../src/pytorch.js";
import type { Sequential } from "../src/sequential.js";
import { openTrainingEngine } from "../src/training-engine.js";
import { BACKENDS } from "./support/backends.js";
import { oracle, oracleTensors, relativeError, toNhwc } from "./support/oracle.js";

const PICTURES = 16;

async function openEngine(model: Sequential, { create }: (typeof BACKENDS)[number]) {
  const opened = await openTrainingEngine(
    { placed: model.placed, batchSize: PICTURES, labelSmoothing: 0, averaging: false },
    { backend: create(), threads: 1 },
  );
  await opened.engine.write(opened.engine.parameters, valuesOf(model));
  return opened;
}

function initialModel(): Sequential {
  return fromPyTorch(oracleTensors("network", "initial."), cifarCnn({ dropout: 0 }));
}

/** Largest error of any parameter (or gradient, in parameters' place), relative to that parameter's largest value. */
function worst(model: Sequential, expected: ReturnType<typeof oracleTensors>): { name: string; error: number } {
  let found = { name: "", error: 0 };
  for (const [name, { data }] of toPyTorch(model)) {
    const error = relativeError(Array.from(data, Number), Array.from(expected.get(name)!.data, Number));
    if (!(error <= found.error)) found = { name, error };
  }
  return found;
}

describe.each(BACKENDS)("against PyTorch, backend $name", (backend) => {
  it("gives the network's logits, loss and gradients", async () => {
    const model = initialModel();
    const { engine } = await openEngine(model, backend);
    toNhwc(oracle("network", "input"), engine.images);
    engine.labels.set(oracle("network", "labels"));
    await engine.upload();

    await engine.infer(engine.shards.length, CURRENT);
    const logits = engine.shards.flatMap((shard) => [...shard.logits.data]);
    // Sums of up to 7,744 products in another order: 1e-5 of the largest logit.
    expect(relativeError(logits, oracle("network", "logits"))).toBeLessThan(1e-5);

    await engine.train({ seed: 0, step: 0, scale: 1 / PICTURES, dropoutScale: 1 });
    const losses = engine.shards.flatMap(({ training }) => [...training!.losses.data]);
    const loss = losses.reduce((sum, value) => sum + value, 0) / PICTURES;
    expect(Math.abs(loss - oracle("network", "loss")[0]!)).toBeLessThan(1e-5);

    const gradients = model.clone();
    for (const [index, { data }] of [...gradients.parameters.values()].entries()) {
      data.fill(0);
      for (const { training } of engine.shards) {
        for (const [i, value] of training!.gradients[index]!.data.entries()) data[i]! += value;
      }
    }
    expect(worst(gradients, oracleTensors("gradients", "gradient.")).error).toBeLessThan(1e-4);
    engine.close();
  });

  // Twenty steps of the plain backend would take half a minute, and show nothing that five and the fast ones do not.
  const steps = backend.name === "reference" ? 5 : 20;
  it(`makes ${steps} steps with the same losses${steps === 20 ? ", to the same weights" : ""}`, async () => {
    const model = initialModel();
    const { engine, backend: operations } = await openEngine(model, backend);
    const optimiser = new Optimiser(engine, operations, {
      optimiser: { learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0 },
    });
    const inputs = oracle("trajectory", "inputs");
    const labels = oracle("trajectory", "labels");
    const size = PICTURES * 3072;
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const batch = step % 4;
      toNhwc(inputs.slice(batch * size, (batch + 1) * size), engine.images);
      engine.labels.set(labels.slice(batch * PICTURES, (batch + 1) * PICTURES));
      await engine.upload();
      await engine.train({ seed: 0, step, scale: 1 / PICTURES, dropoutScale: 1 });
      const each = engine.shards.flatMap(({ training }) => [...training!.losses.data]);
      losses.push(each.reduce((sum, value) => sum + value, 0) / PICTURES);
      await optimiser.step(0.01, undefined);
    }
    for (const [step, loss] of oracle("trajectory", "losses").slice(0, steps).entries()) {
      expect(Math.abs(losses[step]! - loss), `loss of step ${step}`).toBeLessThan(1e-4);
    }
    if (steps === 20) {
      model.assign(await engine.read(engine.parameters));
      // Absolute: rounding of a few 1e-6 in a convolution (Winograd) grows where it moves a maximum or a ReLU's edge.
      for (const [name, { data }] of toPyTorch(model)) {
        const expected = oracleTensors("final", "final.").get(name)!.data;
        const furthest = Array.from(data, Number).reduce(
          (most, value, i) => Math.max(most, Math.abs(value - Number(expected[i]))),
          0,
        );
        expect(furthest, name).toBeLessThan(1e-3);
      }
    }
    engine.close();
  });
});
