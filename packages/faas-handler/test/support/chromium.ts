import { type Browser, chromium } from "playwright-core";
import { LAUNCH } from "../../../../vitest.chromium.ts";

export { CHROMIUM, NO_CHROMIUM } from "../../../../vitest.chromium.ts";

export function launchChromium(): Promise<Browser> {
  return chromium.launch(LAUNCH);
}
