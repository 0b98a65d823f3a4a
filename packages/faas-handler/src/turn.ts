/** How long requests may work in one turn of the event loop, all together, before sockets and timers get theirs. */
const TURN_MS = 8;

/** When the first of this turn's work began; undefined until there is some. */
let began: number | undefined;

const waiting: (() => void)[] = [];

/**
 * To be waited for before work of more than a moment. Resolves at once where this turn of the event loop has hardly been
 * used yet, or else in a later one: each has room for one more that waits. Without it the bodies that arrive together are
 * worked on together, and nothing else is answered before the last of them is done.
 */
export async function turn(): Promise<void> {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(next);
  } else if (now - began >= TURN_MS) {
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

function next(): void {
  const resolve = waiting.shift();
  if (resolve === undefined) {
    began = undefined;
    return;
  }
  began = performance.now();
  // What is set within this phase of the loop runs in its next turn.
  setImmediate(next);
  resolve();
}
