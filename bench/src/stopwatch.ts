import type { Backend } from "@cifar/tensor";

/** Milliseconds by what they were spent on, in the order in which that was first made. */
export type Ledger = Map<string, number>;

const OPERATIONS = [
  "conv2d",
  "maxPool2d",
  "relu",
  "linear",
  "dropout",
  "softmaxCrossEntropy",
  "softmax",
  "sum",
  "sgd",
  "muon",
] as const satisfies readonly (keyof Backend)[];

/**
 * A backend whose operations write into a ledger how long each of their methods took: `conv2d 2 forward` for the second
 * convolution made. For backends that compute before they return.
 */
export function timedBackend(backend: Backend, ledger: Ledger): Backend {
  const made = new Map<string, number>();
  return new Proxy(backend, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (!OPERATIONS.some((name) => name === key)) return value;
      const name = String(key);
      return (spec: unknown) => {
        const number = (made.get(name) ?? 0) + 1;
        made.set(name, number);
        return timedOperation((value as (spec: unknown) => object)(spec), `${name} ${number}`, ledger);
      };
    },
  });
}

function timedOperation(operation: object, name: string, ledger: Ledger): object {
  const timed = Object.entries(operation).map(([method, value]): [string, unknown] => {
    if (typeof value !== "function") return [method, value];
    const entry = `${name} ${method}`;
    ledger.set(entry, 0);
    return [
      method,
      (...parameters: unknown[]) => {
        const start = performance.now();
        const result: unknown = value.apply(operation, parameters);
        ledger.set(entry, ledger.get(entry)! + performance.now() - start);
        return result;
      },
    ];
  });
  return Object.fromEntries(timed);
}
