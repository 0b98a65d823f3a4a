import type { Report } from "../protocol.js";
import { find, percent, whole } from "./dom.js";
import { onDrop } from "./drop.js";
import { download, kindOf, readPicture } from "./files.js";
import { rendersInSoftware } from "./gpu.js";
import { onComputeChange, readCompute, readCount, readSettings } from "./inputs.js";
import { hush, say, sayMeanwhile, takeBack, warn } from "./messages.js";
import { showView } from "./network-view.js";
import { Progress } from "./progress.js";
import { showPicture, showSamples } from "./samples.js";
import { startWorker } from "./worker-link.js";

/** `busy` is between a wish and the worker's word that it is fulfilled. */
type State = "busy" | "ready" | "training" | "stopped";

const go = find("go", HTMLButtonElement);
const anew = find("anew", HTMLButtonElement);
const save = find("save", HTMLButtonElement);
const dataName = find("data-name", HTMLElement);
const progress = new Progress();
const send = startWorker(receive);
let state: State = "busy";

const GO_LABELS: Readonly<Record<State, string>> = {
  busy: "Train",
  ready: "Train",
  training: "Stop",
  stopped: "Go on",
};

function become(next: State): void {
  state = next;
  if (next !== "busy") go.textContent = GO_LABELS[next];
  go.disabled = next === "busy";
  anew.hidden = next !== "stopped";
}

function receive(report: Report): void {
  switch (report.type) {
    case "data": {
      const { name, train, test, samples } = report;
      dataName.textContent = `${name}: ${whole(train)} pictures, ${whole(test)} to test with`;
      showSamples(samples, (picture) => send({ type: "look", picture }));
      progress.clear();
      say("Ready.");
      become("ready");
      break;
    }
    case "started":
      progress.started(report);
      save.disabled = false;
      say(`Training with backend ${report.backend}${report.threads > 1 ? `, ${report.threads} threads` : ""}.`);
      if (report.backend.startsWith("gpu") && rendersInSoftware()) {
        warn("This browser has no GPU at hand and imitates one: backend wasm is much faster here.", "notice");
      }
      become("training");
      break;
    case "step":
      progress.stepped(report);
      break;
    case "accuracy":
      progress.measured(report.step, report.accuracy);
      break;
    case "view":
      showView(report.view);
      break;
    case "stopped":
      say(`Stopped after step ${whole(report.step)} of ${whole(report.steps)}.`);
      become("stopped");
      break;
    case "ended":
      say(`Trained: ${whole(report.steps)} steps.`);
      become("ready");
      break;
    case "saved":
      download(report.name, report.bytes);
      say(`${report.name} is with your downloads.`);
      break;
    case "loaded": {
      const { name, parameters, classes, accuracy } = report;
      progress.clear();
      if (accuracy !== undefined) progress.showAccuracy(accuracy);
      save.disabled = false;
      const measured = accuracy === undefined ? "" : `, ${percent(accuracy)} of these test pictures right`;
      say(`Loaded ${name}: ${whole(parameters)} weights, ${classes.length} classes${measured}.`);
      become("ready");
      break;
    }
    case "notice":
      warn(report.line, "notice");
      break;
    case "failed":
      warn(report.line, "error");
      takeBack();
      // What failed was not the training: it stands where it stood.
      become(state === "busy" ? "ready" : state);
      break;
  }
}

/** Does what is asked for, or says in one line why not. */
async function attempt(deed: () => void | Promise<void>): Promise<void> {
  hush();
  try {
    await deed();
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error), "error");
  }
}

function train(): void {
  send({ type: "train", settings: readSettings(), compute: readCompute() });
  become("busy");
}

function drawShapes(): void {
  const train = readCount();
  sayMeanwhile("Drawing …");
  send({ type: "shapes", train, test: Math.max(100, Math.min(1000, Math.round(train / 4))) });
  become("busy");
}

async function take(files: readonly File[]): Promise<void> {
  const stranger = files.find((file) => kindOf(file) === "unknown");
  if (stranger !== undefined) {
    throw new Error(
      `${stranger.name} is no file of CIFAR-10 (data_batch_1.bin … test_batch.bin), no model (.safetensors) and no picture`,
    );
  }
  const data = files.filter((file) => kindOf(file) === "data");
  const model = files.find((file) => kindOf(file) === "model");
  const picture = files.find((file) => kindOf(file) === "picture");
  if (data.length > 0) {
    sayMeanwhile("Reading …");
    send({ type: "files", files: data });
  }
  if (model !== undefined) send({ type: "load", file: model });
  if (picture !== undefined) await look(picture);
}

async function look(file: File): Promise<void> {
  const picture = await readPicture(file);
  showPicture(picture);
  send({ type: "look", picture });
}

function startOrStop(): void {
  if (state === "ready") {
    train();
    return;
  }
  if (state === "training") {
    sayMeanwhile("Stopping after this step …");
    send({ type: "stop" });
  } else {
    send({ type: "goOn", compute: readCompute() });
  }
  become("busy");
}

go.addEventListener("click", () => attempt(startOrStop));
anew.addEventListener("click", () => attempt(train));
save.addEventListener("click", () => send({ type: "save" }));
find("shapes", HTMLElement).addEventListener("click", () => attempt(drawShapes));
find("count", HTMLElement).addEventListener("change", () => attempt(drawShapes));
onComputeChange(() => {
  if (state === "training") void attempt(() => send({ type: "goOn", compute: readCompute() }));
});
for (const id of ["data-files", "model-file", "picture-file"]) {
  const field = find(id, HTMLInputElement);
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    void attempt(() => take(files));
    field.value = ""; // So that the same file can be chosen again.
  });
}
onDrop((files) => void attempt(() => take(files)));
say("There are no pictures yet.");
void attempt(drawShapes);
