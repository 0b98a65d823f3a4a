// Takes the picture of the page that the READMEs show: node scripts/screenshot.mjs MODEL [FILE.png [SAMPLE]].
// Needs a Chromium at CHROME_PATH or /usr/bin/chromium.
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { createServer, readConfig } from "../dist/index.js";

const [model, target, sample = "Automobile"] = process.argv.slice(2);
const file = target ?? fileURLToPath(new URL("../../../docs/images/page.png", import.meta.url));

const server = createServer({ config: readConfig({ model_path: model, log_level: "error" }) });
const port = await server.listen(0, "127.0.0.1");
await server.loaded;
const browser = await chromium.launch({
  executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
await page.goto(`http://127.0.0.1:${port}`);
await page.locator("#card").waitFor();
// Twice: the first answer also pays for what is loaded on demand.
for (let click = 0; click < 2; click++) {
  await page.getByRole("button", { name: sample }).click();
  await page.locator("#time", { hasText: "Answered" }).waitFor();
  await page.waitForTimeout(600);
}
await page.screenshot({ path: file, fullPage: true });
await browser.close();
await server.stop(0);
console.log(file);
