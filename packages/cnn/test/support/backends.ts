import { type Backend, createReferenceBackend } from "@cifar/tensor";

/** Every backend that runs here: what is checked on one is checked on all. */
export const BACKENDS: readonly { readonly name: string; readonly create: () => Backend }[] = [
  { name: "reference", create: createReferenceBackend },
];
