/** tfjs as a contestant, on the backend that the caller has set up. */
import { softmax } from "./safetensors.mjs";

/** The network with PyTorch's weights turned to tfjs's layouts. */
function network(tf, weights) {
  const layers = [
    tf.layers.zeroPadding2d({ padding: 2, inputShape: [32, 32, 3] }),
    tf.layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
    tf.layers.zeroPadding2d({ padding: 2 }),
    tf.layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.zeroPadding2d({ padding: 2 }),
    tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
    tf.layers.zeroPadding2d({ padding: 2 }),
    tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 10 }),
  ];
  const model = tf.sequential({ layers });
  const tensor = (name) => {
    const { data, shape } = weights.get(name);
    return tf.tensor(data, shape);
  };
  for (const [index, name] of [
    [1, "0"],
    [3, "3"],
    [6, "6"],
    [8, "9"],
  ]) {
    layers[index].setWeights([tf.transpose(tensor(`${name}.weight`), [2, 3, 1, 0]), tensor(`${name}.bias`)]);
  }
  // [out, channel · row · column] to [row · column · channel, out]
  const dense = tensor("13.weight").reshape([10, 64, 11, 11]).transpose([2, 3, 1, 0]).reshape([7744, 10]);
  layers[11].setWeights([dense, tensor("13.bias")]);
  return model;
}

/** What `serve` wants, for tfjs on one backend. */
export async function prepareTfjs(tf, { task, weights, input }) {
  const model = network(tf, weights);
  const { data, shape } = input.get("input");
  const pictures = tf.tensor(data, shape).transpose([0, 2, 3, 1]);
  const description = `@tensorflow/tfjs ${tf.version.tfjs} (${tf.getBackend()})`;
  if (task === "infer") {
    const run = async () => {
      const logits = model.predict(pictures);
      const values = await logits.data();
      logits.dispose();
      return values;
    };
    return { description, output: softmax(await run()), run };
  }
  const labels = tf.oneHot(tf.tensor1d(Array.from(input.get("labels").data), "int32"), 10).toFloat();
  // tfjs's own momentum optimiser with Nesterov computes what PyTorch's does.
  const optimiser = tf.train.momentum(0.01, 0.9, true);
  const variables = model.trainableWeights.map((weight) => weight.val);
  const run = async () => {
    const loss = optimiser.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, model.apply(pictures, { training: true })),
      true,
      variables,
    );
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  return { description: `${description}, without dropout`, output: [await run(), await run()], run };
}
