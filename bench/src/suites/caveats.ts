/*
 * What is known to be wrong with comparisons that are published, until the next run: results are never changed by hand.
 */

export const JAX_JS_CAVEAT =
  "jax-js's hundreds of times are not believable: do not rely on its row before it is known why it is so slow here.";

export const ONE_PICTURE_CAVEAT =
  "PyTorch's figures for one picture (batch 1) are not PyTorch at its best: they are Debian's build on a slow path, and " +
  "`torch.jit.optimize_for_inference` makes it about nine times faster.";

export const TENSORFLOW_CAVEAT = "TensorFlow, the fastest native trainer on this machine, is missing.";
