/*
 * The few parts of Protocol Buffers' wire format that writing a message takes (https://protobuf.dev/programming-guides/encoding).
 * A message is a list of byte strings, a field each, to be joined.
 */

const VARINT = 0;
const BYTES = 2;

/** A field with a whole number of at least 0. */
export function varintField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8 + VARINT), ...varint(value)]);
}

/** A field with bytes, a text, or a message given by its fields. */
export function bytesField(field: number, content: Uint8Array | string | readonly Uint8Array[]): Uint8Array {
  const bytes =
    typeof content === "string"
      ? new TextEncoder().encode(content)
      : content instanceof Uint8Array
        ? content
        : join(content);
  return join([Uint8Array.from([...varint(field * 8 + BYTES), ...varint(bytes.length)]), bytes]);
}

/** One after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
