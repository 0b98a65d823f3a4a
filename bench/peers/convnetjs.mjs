/**
 * convnetjs as a contestant: plain JavaScript in float64, one picture at a time, so that a batch is a loop. Its trainer of
 * version 0.3.0 has no Nesterov momentum; the update is made here from its gradients.
 */
import { load, readSafetensors, serve } from "./contestant.mjs";

const LEARNING_RATE = 0.01;
const MOMENTUM = 0.9;

/** Values [items, channels, side × side] as one of convnetjs's volumes an item, channels last. */
function volumes({ Vol }, { data, shape }, side) {
  const [items] = shape;
  const positions = side * side;
  const channels = data.length / items / positions;
  return Array.from({ length: items }, (_, n) => {
    const volume = new Vol(side, side, channels, 0);
    for (let p = 0; p < positions; p++) {
      for (let c = 0; c < channels; c++) volume.w[p * channels + c] = data[(n * channels + c) * positions + p];
    }
    return volume;
  });
}

/** The network with PyTorch's weights turned to convnetjs's layouts. */
function network(convnet, weights) {
  const conv = (filters) => ({ type: "conv", sx: 3, filters, stride: 1, pad: 2, activation: "relu" });
  const pool = { type: "pool", sx: 2, stride: 2 };
  const net = new convnet.Net();
  net.makeLayers([
    { type: "input", out_sx: 32, out_sy: 32, out_depth: 3 },
    conv(32),
    conv(32),
    pool,
    conv(64),
    conv(64),
    pool,
    { type: "softmax", num_classes: 10 },
  ]);
  const parametric = net.layers.filter(({ layer_type: type }) => type === "conv" || type === "fc");
  for (const [index, name] of ["0", "3", "6", "9", "13"].entries()) {
    const layer = parametric[index];
    const tensor = weights.get(`${name}.weight`);
    // The linear layer sees 64 maps of 11 × 11; its filters are vectors in the same order of values.
    const values = volumes(convnet, tensor, name === "13" ? 11 : 3);
    for (const [o, { w }] of values.entries()) layer.filters[o].w.set(w);
    layer.biases.w.set(weights.get(`${name}.bias`).data);
  }
  return net;
}

/** Adds Nesterov's step for the gradients of `batch` pictures, and clears them. */
function update(net, velocities, batch) {
  for (const [index, { params, grads }] of net.getParamsAndGrads().entries()) {
    velocities[index] ??= new Float64Array(params.length);
    const velocity = velocities[index];
    for (let i = 0; i < params.length; i++) {
      const gradient = grads[i] / batch;
      velocity[i] = MOMENTUM * velocity[i] + gradient;
      params[i] -= LEARNING_RATE * (gradient + MOMENTUM * velocity[i]);
      grads[i] = 0;
    }
  }
}

await serve(async ({ task, threads, batch, weights, input }) => {
  if (threads > 1) throw new Error("it has one thread");
  if (task === "train" && batch > 4) throw new Error("a step of more than 4 pictures takes it tens of seconds");
  const { default: convnet } = await load("convnetjs");
  const net = network(convnet, readSafetensors(weights));
  const tensors = readSafetensors(input);
  const pictures = volumes(convnet, tensors.get("input"), 32);
  const description = "convnetjs 0.3.0 (plain JavaScript, float64, picture by picture)";
  if (task === "infer") {
    const run = async () => pictures.flatMap((picture) => Array.from(net.forward(picture).w));
    return { description, output: await run(), run };
  }
  const labels = tensors.get("labels").data;
  const velocities = [];
  const run = async () => {
    let loss = 0;
    for (const [n, picture] of pictures.entries()) {
      net.forward(picture, true);
      loss += net.backward(labels[n]) / batch;
    }
    update(net, velocities, batch);
    return loss;
  };
  return { description: `${description}, without dropout`, output: [await run(), await run()], run };
});
