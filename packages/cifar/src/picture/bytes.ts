const SHORT = 64;

/**
 * Pieces one after the other, in memory of their own. Unlike `Buffer.concat` never in a part of Node's pool, so that the
 * memory can be handed to another thread.
 */
export function joined(pieces: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    // For a few bytes a call of `set` takes longer than they do.
    if (piece.length > SHORT) bytes.set(piece, at);
    else for (let index = 0; index < piece.length; index++) bytes[at + index] = piece[index]!;
    at += piece.length;
  }
  return bytes;
}
