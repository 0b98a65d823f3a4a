import type { Sgd, SgdSpec } from "../backend.js";
import { sgdSizes } from "../specs.js";
import type { GpuContext } from "./context.js";
import { onGpu } from "./tensor.js";

/** PyTorch's SGD: first the velocity, then the parameter from the new velocity. */
export function sgd(context: GpuContext, spec: SgdSpec): Sgd {
  const { size, momentum, nesterov } = sgdSizes(spec);
  const factor = momentum.toFixed(9);
  const slope = "gradient[this.thread.x] * gradientScale + weightDecay * parameter[this.thread.x]";
  const speed = context.kernel({
    size,
    source: `function (parameter, gradient, velocity, weightDecay, gradientScale) {
      return ${factor} * velocity[this.thread.x] + ${slope};
    }`,
  });
  const move = context.kernel({
    size,
    source: nesterov
      ? `function (parameter, gradient, velocity, learningRate, weightDecay, gradientScale) {
      const direction = ${slope} + ${factor} * velocity[this.thread.x];
      return parameter[this.thread.x] - learningRate * direction;
    }`
      : `function (parameter, velocity, learningRate) {
      return parameter[this.thread.x] - learningRate * velocity[this.thread.x];
    }`,
  });
  return {
    async step(parameter, gradient, velocity, { learningRate, weightDecay, gradientScale }) {
      const [p, g, v] = [onGpu(parameter), onGpu(gradient), onGpu(velocity)];
      await context.run(speed, v, p, g, v, weightDecay, gradientScale);
      if (nesterov) await context.run(move, p, p, g, v, learningRate, weightDecay, gradientScale);
      else await context.run(move, p, p, v, learningRate);
    },
  };
}
