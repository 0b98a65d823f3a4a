export { CHROMIUM, NO_CHROMIUM as WITHOUT_CHROMIUM } from "../../../vitest.chromium.ts";
