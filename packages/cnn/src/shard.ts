import type { InferenceBackend, RandomKey, Shape, Tensor } from "@cifar/tensor";

/** A fixed number of pictures with everything that belongs to them: what a program works on. */
export interface Shard {
  /** [pictures, height, width, channels], normalised. */
  readonly input: Tensor;
  /** What the network says. */
  readonly logits: Tensor;
  /** Only where the network is trained. */
  readonly training: ShardTraining | undefined;
}

interface ShardTraining {
  /** Class of each picture, −1 for an absent one. */
  readonly labels: Tensor<"int32">;
  /** Loss of each picture. */
  readonly losses: Tensor;
  /** One for each parameter, in the network's order. */
  readonly gradients: readonly Tensor[];
  /** Names the random numbers of dropout: the layer that draws sets `stream`. */
  readonly key: RandomKey;
  /** Multiplies each picture's gradient: 1 / pictures in the batch. */
  scale: number;
}

/** Makes the tensors of shard number `index`. */
export function createShard(
  backend: InferenceBackend,
  spec: { index: number; pictures: number; input: Shape; logits: Shape; parameters: readonly Shape[] | undefined },
): Shard {
  const { index, pictures, input, logits, parameters } = spec;
  return {
    input: backend.tensor([pictures, ...input]),
    logits: backend.tensor([pictures, ...logits]),
    training: parameters && {
      labels: backend.tensor([pictures], "int32"),
      losses: backend.tensor([pictures]),
      gradients: parameters.map((shape) => backend.tensor(shape)),
      key: { seed: 0, stream: 0, step: 0, picture: index * pictures },
      scale: 1,
    },
  };
}
