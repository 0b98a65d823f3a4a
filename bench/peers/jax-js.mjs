/**
 * jax-js as a contestant, on its WebAssembly backend: the only compiled one that it has in Node. The network and its
 * training step are compiled by its `jit`. Every function takes over its arguments; `.ref` keeps one.
 */
import { load, readSafetensors, serve, softmax } from "./contestant.mjs";

const LAYERS = ["0", "3", "6", "9", "13"];
const LEARNING_RATE = 0.01;
const MOMENTUM = 0.9;

/** Logits [batch, 10] of pictures [batch, 3, 32, 32], in PyTorch's layouts, which are jax-js's own. */
function network({ lax, nn, numpy: np }, parameters, pictures) {
  let values = pictures;
  for (const name of LAYERS.slice(0, 4)) {
    const padding = [
      [2, 2],
      [2, 2],
    ];
    const sums = lax.convGeneralDilated(values, parameters[`${name}.weight`], [1, 1], padding);
    values = nn.relu(sums.add(parameters[`${name}.bias`].reshape([1, -1, 1, 1])));
    if (name === "3" || name === "9") values = lax.reduceWindow(values, np.max, [2, 2], [2, 2]);
  }
  const flat = values.reshape([-1, 7744]);
  return np.matmul(flat, parameters["13.weight"].transpose()).add(parameters["13.bias"]);
}

await serve(async ({ task, threads, batch, weights, input }) => {
  if (threads > 1) throw new Error("its WebAssembly backend has one thread in Node");
  if (task === "train" && batch > 4) throw new Error("a step of more than 4 pictures takes it minutes");
  const jax = await load("@jax-js/jax");
  const { numpy: np, nn, tree } = jax;
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const array = ({ data, shape }) => np.array(data).reshape(shape);
  const tensors = readSafetensors(weights);
  let parameters = Object.fromEntries([...tensors].map(([name, tensor]) => [name, array(tensor)]));
  const data = readSafetensors(input);
  const pictures = array(data.get("input"));
  const description = "@jax-js/jax 0.1.25 (wasm)";
  if (task === "infer") {
    const predict = jax.jit((weights, images) => network(jax, weights, images));
    const run = () => predict(tree.ref(parameters), pictures.ref).data();
    return { description, output: softmax(await run()), run };
  }
  const labels = nn.oneHot(array(data.get("labels")), 10);
  const loss = (weights, images, targets) =>
    nn
      .logSoftmax(network(jax, weights, images))
      .mul(targets)
      .sum()
      .mul(-1 / batch);
  let velocities = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, np.zeros(shape)]));
  const step = jax.jit((weights, speeds, images, targets) => {
    const [value, gradients] = jax.valueAndGrad(loss)(tree.ref(weights), images, targets);
    const faster = tree.map((speed, gradient) => speed.mul(MOMENTUM).add(gradient), speeds, tree.ref(gradients));
    const moved = tree.map(
      (weight, gradient, speed) => weight.sub(gradient.add(speed.mul(MOMENTUM)).mul(LEARNING_RATE)),
      weights,
      gradients,
      tree.ref(faster),
    );
    return [value, moved, faster];
  });
  const run = async () => {
    const [value, moved, faster] = step(parameters, velocities, pictures.ref, labels.ref);
    parameters = moved;
    velocities = faster;
    await jax.blockUntilReady(tree.ref(parameters));
    return (await value.data())[0];
  };
  return { description: `${description}, without dropout`, output: [await run(), await run()], run };
});
