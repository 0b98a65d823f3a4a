import type { Sgd, SgdSpec } from "../backend.js";
import { sgdSizes } from "../specs.js";

/** Stochastic gradient descent with momentum, Nesterov's variant and weight decay, as torch.optim.SGD defines them. */
export function sgd(spec: SgdSpec): Sgd {
  const { size, momentum, nesterov } = sgdSizes(spec);
  return {
    step({ data: parameter }, { data: gradient }, { data: velocity }, { learningRate, weightDecay, gradientScale }) {
      for (let i = 0; i < size; i++) {
        const slope = gradient[i]! * gradientScale + weightDecay * parameter[i]!;
        const speed = momentum * velocity[i]! + slope;
        velocity[i] = speed;
        parameter[i] = parameter[i]! - learningRate * (nesterov ? slope + momentum * speed : speed);
      }
    },
  };
}
