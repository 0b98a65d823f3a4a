import { existsSync } from "node:fs";

/** A browser of this machine: CHROME_PATH, or where Debian puts Chromium. */
export const CHROMIUM = [process.env["CHROME_PATH"], "/usr/bin/chromium"].find(
  (path) => path !== undefined && existsSync(path),
);

/** What a skipped test says of itself; empty where there is a browser. */
export const NO_CHROMIUM = CHROMIUM === undefined ? " (skipped: no Chromium at CHROME_PATH or /usr/bin/chromium)" : "";

/** A container has neither the rights for a sandbox nor a large /dev/shm. */
const IN_CONTAINER = ["--no-sandbox", "--disable-dev-shm-usage"];

/** How playwright-core is to launch it. */
export const LAUNCH = { executablePath: CHROMIUM ?? "", args: IN_CONTAINER };

/** The same with WebGL and WebGPU, rendered in software where a machine has no GPU. */
export const LAUNCH_WITH_GPU = {
  executablePath: CHROMIUM ?? "",
  args: [
    ...IN_CONTAINER,
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
  ],
};
