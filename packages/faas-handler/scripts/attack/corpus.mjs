// node corpus.mjs FOLDER: writes PNG and JPEG files made to cost as much as can be, those of the tests' generator, always the
// same ones for a seed. See attack.sh, which calls it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import fc from "fast-check";

const PICTURES = Number(process.env.ATTACK_PICTURES ?? 400);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_126);

const [, , folder] = process.argv;
const generator = join(folder, "..", "generator.mjs");
await build({
  entryPoints: [fileURLToPath(new URL("../../test/support/hostile-pictures.ts", import.meta.url))],
  outfile: generator,
  bundle: true,
  platform: "node",
  format: "esm",
  // One and the same fast-check here and there, and its own interop for what is CommonJS.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const { hostilePicture } = await import(pathToFileURL(generator));
mkdirSync(folder, { recursive: true });
for (const [index, bytes] of fc.sample(hostilePicture, { numRuns: PICTURES, seed: SEED }).entries()) {
  writeFileSync(join(folder, `${String(index).padStart(5, "0")}.bin`), bytes);
}
