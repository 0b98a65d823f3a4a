/** Kinds of files that are given in place of others, by the characters that they begin with. */
const STARTS = [
  ["\x89PNG", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["GIF8", "a GIF"],
  ["BM", "a BMP"],
  ["<svg", "an SVG or XML text"],
  ["<?xml", "an SVG or XML text"],
  ["PK\x03\x04", "a zip archive, as torch.save writes it"],
] as const;

/** Bytes that are looked at to tell a text. */
const TEXT_START = 256;

/** What a file that is not the expected one seems to be, for the message. */
export function kindOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const start = Array.from(bytes.subarray(0, 12), (byte) => String.fromCharCode(byte)).join("");
  const known = STARTS.find(([characters]) => start.startsWith(characters));
  if (known !== undefined) return known[1];
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "a WebP";
  if (/^....ftyp(avif|heic|heix|mif1)/s.test(start)) return "an AVIF or HEIC";
  if (beginsAsSafetensors(bytes)) return "a safetensors file";
  // A protobuf message whose first field is a small number and whose second one has bytes: version and producer.
  if (start.startsWith("\x08") && start[2] === "\x12") return "an ONNX model";
  if (bytes.subarray(0, TEXT_START).every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d))) return "a text";
  const hex = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes that start with ${hex}`;
}

/** Whether a file begins as the format has it: 8 bytes with the length of a header, which is a JSON object. */
export function beginsAsSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b;
}
