import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CHROMIUM, LAUNCH, NO_CHROMIUM } from "../../../vitest.chromium.ts";
import {
  CLASSES,
  type FakeClassifier,
  fakeClassifier,
  labelFor,
  type RunningFunction,
  startFunction,
} from "./support/function.ts";

const CONFUSION = CLASSES.map((_, actual) =>
  CLASSES.map((__, predicted) => (actual === predicted ? 700 : actual + predicted)),
);

describe(`the page in a browser${NO_CHROMIUM}`, { skip: CHROMIUM === undefined }, () => {
  let browser: Browser;
  let running: RunningFunction;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const classifier = {
      ...fakeClassifier(),
      card: {
        accuracy: 0.7222,
        classes: CLASSES,
        input: [32, 32, 3],
        parameters: 143_018,
        confusion: CONFUSION,
        curve: [
          { epoch: 1, accuracy: 0.55 },
          { epoch: 2, accuracy: 0.66 },
          { epoch: 3, accuracy: 0.72 },
        ],
      },
    };
    running = await startFunction({ classifier });
    browser = await chromium.launch(LAUNCH);
  });

  afterAll(async () => {
    await browser?.close();
    await running?.stop();
  });

  beforeEach(async () => {
    page = await browser.newPage();
    complaints.length = 0;
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(running.url) && !/^(blob|data):/.test(request.url())) {
        complaints.push(`asked for ${request.url()}`);
      }
    });
    await page.goto(running.url);
  });

  afterEach(async () => {
    // Neither a violation of the policy, nor an error, nor a request to anywhere else.
    expect(complaints).toEqual([]);
    await page.close();
  });

  async function statusBecomes(text: string): Promise<void> {
    await page.locator("#status", { hasText: text }).waitFor();
  }

  it("classifies a drawing that is chosen with the keyboard alone", async () => {
    for (let presses = 0; presses < 2; presses++) {
      await page.keyboard.press("Tab");
    }
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Airplane");
    await page.keyboard.press("Enter");
    await statusBecomes(`${labelFor(0)}, 91.0 %`);
    expect(await page.locator("#bars li").count()).toBe(10);
    expect(await page.locator("#time").textContent()).toMatch(
      /^Answered in \d+ ms, of which the network took [\d.]+ ms\.$/,
    );
  });

  it("classifies a file, and says so where it is none that a browser can read", async () => {
    const chosen = page.locator("#file");
    await chosen.setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await statusBecomes("cannot read that as a picture");
    const png = await page.locator("h1").screenshot();
    await chosen.setInputFiles({ name: "b.png", mimeType: "image/png", buffer: png });
    await statusBecomes(labelFor(0));
  });

  it("classifies a picture that is dropped and one that is pasted", async () => {
    for (const kind of ["drop", "paste"]) {
      await page.reload();
      await page.evaluate(async (name) => {
        const canvas = document.createElement("canvas");
        const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
        const data = new DataTransfer();
        data.items.add(new File([blob!], "x.png", { type: "image/png" }));
        document.dispatchEvent(
          name === "drop"
            ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true }),
        );
      }, kind);
      await statusBecomes(labelFor(0));
    }
  });

  it("takes an answer away when the next picture fails, whatever the reason", async () => {
    const shows = async (visible: boolean): Promise<void> => {
      await page.locator("#answer").waitFor({ state: visible ? "visible" : "hidden" });
      expect(await page.locator("#time").textContent()).toMatch(visible ? /^Answered/ : /^$/);
      expect(await page.locator("#status.failed").count()).toBe(visible ? 0 : 1);
    };
    const answered = async (): Promise<void> => {
      await page.locator("[data-sample]").first().click();
      await statusBecomes(labelFor(0));
      await shows(true);
    };
    await answered();
    await page
      .locator("#file")
      .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await statusBecomes("cannot read that as a picture");
    await shows(false);
    await answered();
    running.application.hooks = {
      before: ({ method }) => {
        if (method === "POST") {
          throw Object.assign(new Error("Not today."), { status: 403 });
        }
      },
    };
    await page.locator("[data-sample]").first().click();
    await statusBecomes("Not today.");
    await shows(false);
    running.application.hooks = {};
    await answered();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["text"], "x.txt", { type: "text/plain" }));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await statusBecomes("not a picture");
    await shows(false);
    await answered();
    // As the gateway says it, and as nobody does.
    await page.route("**/?input=true", (route) => route.fulfill({ status: 502, body: "" }));
    await page.locator("[data-sample]").first().click();
    await statusBecomes("answered with status 502");
    await shows(false);
    await page.unroute("**/?input=true");
    await answered();
    await page.route("**/?input=true", (route) => route.abort());
    await page.locator("[data-sample]").first().click();
    await statusBecomes("does not answer");
    await shows(false);
    expect(complaints.splice(0)).toHaveLength(3);
  });

  it("lets a picture that fails late say nothing of a newer one", async () => {
    let refuse = (): void => undefined;
    const refused = new Promise<void>((resolve) => {
      refuse = resolve;
    });
    let requests = 0;
    await page.route("**/?input=true", async (route) => {
      if (++requests > 1) {
        return route.continue();
      }
      await refused;
      return route.abort();
    });
    await page.locator("[data-sample]").first().click();
    await page.locator("[data-sample]").nth(1).click();
    await statusBecomes(labelFor(0));
    const failed = page.waitForEvent("requestfailed");
    refuse();
    await failed;
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
    await statusBecomes(labelFor(0));
    expect(await page.locator("#answer").isVisible()).toBe(true);
    complaints.length = 0;
  });

  it("has room for 100.0 % and for long names, on a phone too", async () => {
    const sure: FakeClassifier = {
      ...running.classifier,
      classes: CLASSES.map((name, index) => (index === 9 ? "articulated-lorry-with-trailer" : name)),
      async predict() {
        return Float32Array.from(CLASSES, (_, index) => (index === 9 ? 1 : 0));
      },
    };
    running.application.use(sure);
    for (const width of [320, 390, 1000]) {
      await page.setViewportSize({ width, height: 844 });
      await page.locator("[data-sample]").first().click();
      await statusBecomes("articulated-lorry-with-trailer, 100.0 %");
      const parts = await page
        .locator("#bars span")
        .evaluateAll((all) =>
          all.map(({ scrollWidth, clientWidth, textContent }) => ({ scrollWidth, clientWidth, textContent })),
        );
      expect(parts.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)).toEqual([]);
      expect(parts[1]?.textContent).toBe("100.0 %");
      expect(
        await page
          .locator("#bars .track")
          .first()
          .evaluate((track) => track.clientWidth),
      ).toBeGreaterThan(20);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
    running.application.use(running.classifier);
  });

  it("tells the person what the function's refusal says", async () => {
    running.application.hooks = {
      before: ({ method }) => {
        if (method === "POST") {
          throw Object.assign(new Error("This function rests on Sundays."), { status: 403 });
        }
      },
    };
    await page.locator("[data-sample]").first().click();
    await statusBecomes("This function rests on Sundays.");
    running.application.hooks = {};
    // The browser itself notes every answer of 400 and above.
    expect(complaints.splice(0)).toEqual([expect.stringContaining("403")]);
  });

  it("shows the model's card with accuracy, confusion matrix and training curve", async () => {
    await page.locator("#card").waitFor();
    expect(await page.locator("#facts").textContent()).toContain("72.2 %");
    expect(await page.locator("#matrix tr").count()).toBe(11);
    expect(await page.locator("#plot svg").getAttribute("aria-label")).toBe(
      "Accuracy on pictures held out from 55.0 % after epoch 1 to 72.0 % after epoch 3",
    );
  });

  it("shows the loss where no pictures were held out", async () => {
    const curve = [
      { epoch: 1, loss: 1.607 },
      { epoch: 2, loss: 1.192 },
    ];
    running.application.use({ ...fakeClassifier(), card: { ...running.classifier.card, curve } });
    await page.reload();
    await page.locator("#card").waitFor();
    expect(await page.locator("#plot svg").getAttribute("aria-label")).toBe(
      "Training loss from 1.61 after epoch 1 to 1.19 after epoch 2",
    );
    running.application.use(running.classifier);
  });

  it("names everything for a screen reader", async () => {
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of [
      'heading "What is in the picture?" [level=1]',
      'button "Choose a file"',
      'button "Frog"',
      "status",
    ]) {
      expect(tree).toContain(part);
    }
  });

  it("fits a phone and follows the system's colours", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator("#card").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    expect([light, await ground()]).toEqual(["rgb(255, 255, 255)", "rgb(20, 24, 28)"]);
  });

  it("works under the gateway's path, with a slash at its end or without", async () => {
    for (const path of ["/function/image-classifier", "/function/image-classifier/"]) {
      await page.route(`**${path}*`, async (route) => {
        const url = new URL(route.request().url());
        await route.continue({ url: `${running.url}/${url.search}` });
      });
      await page.goto(running.url + path);
      await page.locator("#card").waitFor();
      await page.locator("[data-sample]").nth(2).click();
      await statusBecomes(labelFor(0));
    }
  });
});

describe("the page's policy", () => {
  it("allows its own style and script by their hashes and nothing else", async () => {
    const running = await startFunction();
    const response = await fetch(running.url, { headers: { accept: "text/html" } });
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}=';/);
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("vary")).toBe("accept");
    const html = await response.text();
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    await running.stop();
  });
});
