/** Reading safetensors and logits: the peers' own, since they must not depend on the engine they are compared with. */

const TYPES = { F32: Float32Array, I32: Int32Array, U8: Uint8Array };

/**
 * Tensors by name, as { shape, data }.
 * @param {Uint8Array} bytes
 */
export function parseSafetensors(bytes) {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const body = new Uint8Array(bytes.subarray(start + data_offsets[0], start + data_offsets[1]));
    tensors.set(name, { shape, data: new TYPES[dtype](body.buffer) });
  }
  return tensors;
}

/** Rows of ten logits to probabilities. */
export function softmax(logits) {
  const probabilities = [];
  for (let row = 0; row < logits.length; row += 10) {
    const values = Array.from(logits.slice(row, row + 10));
    const largest = Math.max(...values);
    const powers = values.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b);
    probabilities.push(...powers.map((power) => power / sum));
  }
  return probabilities;
}
