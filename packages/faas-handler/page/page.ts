/** One picture's answer, see `POST /?input=true`. */
interface Answer {
  readonly label: string;
  readonly confidence: number;
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
  /** base64 of 32 × 32 × 3 bytes, or of the network's own size. */
  readonly input: string;
}

/** The model's card, see `GET /`. */
interface Card {
  readonly accuracy: number | null;
  readonly classes: readonly string[];
  readonly input?: readonly number[];
  readonly parameters?: number;
  readonly epochs?: number | null;
  readonly measuredOn?: string;
  readonly recipe?: string;
  readonly layers?: readonly string[];
  readonly digest?: string;
  readonly version?: string;
  readonly confusion?: readonly (readonly number[])[];
  readonly curve?: readonly { readonly epoch: number; readonly accuracy?: number; readonly loss?: number }[];
}

/** What a training curve shows, from 0 to `most` up the axis. */
interface Curve {
  readonly title: string;
  readonly points: readonly { readonly epoch: number; readonly value: number }[];
  readonly most: number;
  readonly write: (value: number) => string;
}

/** Behind the gateway the function answers at `/function/NAME`, with a slash at the end or without. */
const here = location.pathname;

/** Larger pictures are made smaller before they are sent: the network sees 32 × 32 anyway, and phones are slow to send. */
const LARGEST_SIDE = 512;

function find<T extends Element>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`The page has no #${id}.`);
  }
  return found;
}

const status = find("status", HTMLElement);
const time = find("time", HTMLElement);
const file = find("file", HTMLInputElement);
const drop = find("drop", HTMLElement);

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function element(name: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function say(text: string): void {
  status.textContent = text;
  status.classList.remove("failed");
}

/** Says what went wrong, and takes the answer before away: it is none to this picture. */
function fail(text: string): void {
  status.textContent = text;
  status.classList.add("failed");
  find("answer", HTMLElement).hidden = true;
  time.textContent = "";
}

/** Draws a picture as the browser understands it, no larger than needed, and encodes it as PNG. */
async function toPng(picture: Blob): Promise<Blob> {
  const url = URL.createObjectURL(picture);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const scale = Math.min(1, LARGEST_SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    const png = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (png === null) {
      throw new Error("The browser cannot encode it.");
    }
    return png;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function showInput(input: string, side: number): void {
  const canvas = find("input", HTMLCanvasElement);
  canvas.width = side;
  canvas.height = side;
  const bytes = Uint8Array.from(atob(input), (sign) => sign.charCodeAt(0));
  const channels = bytes.length / (side * side);
  const pixels = new ImageData(side, side);
  for (let position = 0; position < side * side; position++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels.data[position * 4 + channel] = bytes[position * channels + Math.min(channel, channels - 1)]!;
    }
    pixels.data[position * 4 + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
}

function showBars(answer: Answer): void {
  const bars = find("bars", HTMLElement);
  bars.replaceChildren(
    ...answer.classes.map(({ label, probability }) => {
      const fill = element("div", "", "fill");
      fill.style.width = `${100 * probability}%`;
      const track = element("div", "", "track");
      track.append(fill);
      const item = document.createElement("li");
      item.append(element("span", label), track, element("span", percent(probability), "percent"));
      return item;
    }),
  );
}

let side = 32;
let turn = 0;

/** Shows the answer to a picture, unless a newer one has been chosen by the time that it comes. */
async function classify(picture: Blob): Promise<void> {
  const own = ++turn;
  say("Looking …");
  const show = await ask(picture).catch((): Show => () => fail("The function does not answer."));
  if (own === turn) {
    show();
  }
}

/** Writes what came of it into the page. */
type Show = () => void;

/** @throws where nothing can be reached */
async function ask(picture: Blob): Promise<Show> {
  let png: Blob;
  try {
    png = await toPng(picture);
  } catch {
    return () => fail("This browser cannot read that as a picture. A PNG or JPEG file will do.");
  }
  const started = performance.now();
  const response = await fetch(`${here}?input=true`, {
    method: "POST",
    headers: { "content-type": "image/png" },
    body: png,
  });
  const body = await response.json().catch(() => undefined);
  const total = performance.now() - started;
  if (!response.ok || body === undefined) {
    // What stands in front of the function answers without a sentence.
    return () => fail(body?.detail ?? `The function answered with status ${response.status}.`);
  }
  const network = /network;dur=([\d.]+)/.exec(response.headers.get("server-timing") ?? "")?.[1];
  return () => {
    const answer: Answer = body;
    showInput(answer.input, side);
    showBars(answer);
    find("answer", HTMLElement).hidden = false;
    say(`${answer.label}, ${percent(answer.confidence)}`);
    time.textContent = `Answered in ${total.toFixed(0)} ms${network === undefined ? "" : `, of which the network took ${network} ms`}.`;
  };
}

function firstPicture(data: DataTransfer | null): Blob | undefined {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
}

file.addEventListener("change", () => {
  const chosen = file.files?.[0];
  if (chosen !== undefined) {
    void classify(chosen);
  }
  file.value = ""; // So that the same file can be chosen again.
});

// Anywhere on the page: a picture dropped beside the box must not make the browser leave.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const dropped = firstPicture(event.dataTransfer);
  if (dropped === undefined) {
    turn++;
    fail("What was dropped is not a picture.");
  } else {
    void classify(dropped);
  }
});
document.addEventListener("paste", (event) => {
  const pasted = firstPicture(event.clipboardData);
  if (pasted !== undefined) {
    void classify(pasted);
  }
});

for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", () => {
    const drawing = new XMLSerializer().serializeToString(button.querySelector("svg")!);
    void classify(new Blob([drawing], { type: "image/svg+xml" }));
  });
}

function showFacts(card: Card): void {
  const facts: [string, string | undefined][] = [
    [
      "Test accuracy",
      card.accuracy === null
        ? "not measured"
        : `${percent(card.accuracy)}${card.measuredOn ? ` (${card.measuredOn})` : ""}`,
    ],
    ["Recipe", card.recipe],
    ["Epochs", card.epochs?.toString()],
    ["Parameters", card.parameters?.toLocaleString("en")],
    ["Layers", card.layers?.join(" → ")],
    ["Weights", card.digest === undefined ? undefined : `SHA-256 ${card.digest}`],
    ["Version", card.version],
  ];
  find("facts", HTMLElement).replaceChildren(
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [element("dt", name), element("dd", value)])),
  );
}

function showConfusion(confusion: NonNullable<Card["confusion"]>, classes: readonly string[]): void {
  const heading = (text: string, scope: string): HTMLElement => {
    const cell = element("th", text);
    cell.setAttribute("scope", scope);
    return cell;
  };
  const head = document.createElement("tr");
  head.append(element("td"), ...classes.map((name) => heading(name, "col")));
  const rows = confusion.map((row, actual) => {
    const total = row.reduce((sum, each) => sum + each, 0);
    const made = document.createElement("tr");
    made.append(
      heading(classes[actual]!, "row"),
      ...row.map((count, predicted) => {
        const cell = element("td", String(count), predicted === actual ? "right" : "");
        cell.style.setProperty("--share", String(total === 0 ? 0 : (0.6 * count) / total));
        return cell;
      }),
    );
    return made;
  });
  find("matrix", HTMLElement).replaceChildren(head, ...rows);
  find("confusion", HTMLElement).hidden = false;
}

function drawn(name: string, attributes: Readonly<Record<string, string | number>>, text = ""): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, String(value));
  }
  made.textContent = text;
  return made;
}

/** Accuracy on pictures held out; the loss where a network has learned from all pictures there were. */
function chooseCurve(curve: NonNullable<Card["curve"]>): Curve {
  const held = curve.flatMap(({ epoch, accuracy }) => (accuracy === undefined ? [] : [{ epoch, value: accuracy }]));
  if (held.length > 0) {
    return { title: "Accuracy on pictures held out", points: held, most: 1, write: percent };
  }
  const points = curve.flatMap(({ epoch, loss }) => (loss === undefined ? [] : [{ epoch, value: loss }]));
  const most = Math.ceil(Math.max(...points.map(({ value }) => value)));
  return { title: "Training loss", points, most, write: (loss) => loss.toFixed(2) };
}

function showCurve({ title, points, most, write }: Curve): void {
  const [width, height, left, bottom] = [480, 220, 48, 28];
  const first = points[0]!;
  const last = points[points.length - 1]!;
  const across = (index: number): number => left + ((width - left - 12) * index) / (points.length - 1);
  const up = (value: number): number => height - bottom - ((height - bottom - 12) * value) / most;
  const plot = drawn("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${title} from ${write(first.value)} after epoch ${first.epoch} to ${write(last.value)} after epoch ${last.epoch}`,
  });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const at = up(share * most);
    plot.append(
      drawn("line", { x1: left, x2: width - 12, y1: at, y2: at }),
      drawn("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, write(share * most)),
    );
  }
  plot.append(
    drawn("polyline", { points: points.map(({ value }, index) => `${across(index)},${up(value)}`).join(" ") }),
  );
  points.forEach(({ epoch, value }, index) => {
    plot.append(drawn("circle", { cx: across(index), cy: up(value), r: 3 }));
    if (index === 0 || index === points.length - 1) {
      plot.append(
        drawn(
          "text",
          { x: across(index), y: height - 8, "text-anchor": index === 0 ? "start" : "end" },
          `epoch ${epoch}`,
        ),
      );
    }
  });
  find("plot", HTMLElement).replaceChildren(plot, element("figcaption", `${title}, after each epoch`));
  find("curve", HTMLElement).hidden = false;
}

async function showCard(): Promise<void> {
  const response = await fetch(here, { headers: { accept: "application/json" } });
  if (!response.ok) {
    return;
  }
  const card: Card = await response.json();
  side = card.input?.[0] ?? side;
  find("class-count", HTMLElement).textContent = String(card.classes.length);
  showFacts(card);
  if (card.confusion !== undefined) {
    showConfusion(card.confusion, card.classes);
  }
  const curve = chooseCurve(card.curve ?? []);
  if (curve.points.length > 1) {
    showCurve(curve);
  }
  find("card", HTMLElement).hidden = false;
}

void showCard();
