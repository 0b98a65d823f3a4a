import { workerData } from "node:worker_threads";
import { runThread, type ThreadStart } from "../threads/thread.js";

/* What a worker thread of Node runs. */
runThread(workerData as ThreadStart);
