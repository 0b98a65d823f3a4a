import { runThread, type ThreadStart } from "../threads/thread.js";

/* What a Web Worker runs: its first message says with what. */
globalThis.addEventListener("message", (event: MessageEvent<ThreadStart>) => runThread(event.data), { once: true });
