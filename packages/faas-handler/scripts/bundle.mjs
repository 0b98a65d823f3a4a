// Bundles the program of the image to one file, with the page inside, and gathers the licences of what is in it. Threads
// start from small files of their own beside it: one that decodes costly pictures, and where `threads` is above 1 those
// that compute. What decodes is in a file that the program and the thread share. All are CommonJS: Node starts them
// without its loader of ES modules.
// `node scripts/bundle.mjs` writes to dist/runtime; with a folder as argument it writes there (see `npm run template`).
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL("..", import.meta.url));
const target = process.argv[2] ?? join(here, "dist/runtime");

/** The bundle has no files beside it to read the page from. */
const pageInside = {
  name: "page-inside",
  setup(build) {
    build.onLoad({ filter: /faas-handler[/\\]dist[/\\]page-source\.js$/ }, async ({ path }) => {
      const { readPageSource } = await import(path);
      return {
        contents: `const source = ${JSON.stringify(readPageSource())};\nexport const readPageSource = () => source;`,
      };
    });
  },
};

/** Modules of Node's own that nothing in the bundle uses are not loaded. */
const nodeOnDemand = {
  name: "node-on-demand",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

/** Decoders are in a file of their own and not once in each that needs them. */
const sharedDecoders = {
  name: "shared-decoders",
  setup(build) {
    build.onResolve({ filter: /^@cifar\/cifar\/picture$/ }, () => ({ path: "./picture.js", external: true }));
  },
};

const { outputFiles, metafile } = await build({
  entryPoints: {
    index: join(here, "dist/main.js"),
    "decode-thread": join(here, "dist/decoding/decode-thread.js"),
    picture: fileURLToPath(import.meta.resolve("@cifar/cifar/picture")),
    "node-thread": fileURLToPath(new URL("platform/node-thread.js", import.meta.resolve("@cifar/cnn"))),
  },
  outdir: target,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  absWorkingDir: here,
  plugins: [pageInside, nodeOnDemand, sharedDecoders],
  // The function computes on the CPU: backend gpu, which is loaded on demand alone, stays out.
  external: ["@cifar/tensor/gpu"],
  // CommonJS knows its file by a path and not by an address.
  define: { "import.meta.url": "address" },
  banner: { js: 'const address=require("node:url").pathToFileURL(__filename).href;' },
});

/** Folder of the package that a file belongs to, if it is one of node_modules. */
function packageOf(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"]) {
    const text = await readFile(join(folder, file), "utf8").catch(() => undefined);
    if (text !== undefined) {
      return `${name} ${version}\n\n${text.trim()}\n`;
    }
  }
  return `${name} ${version}\n\nLicence: ${license}\n`;
}

const folders = [...new Set(Object.keys(metafile.inputs).map(packageOf))]
  .filter((folder) => folder !== undefined)
  .sort();
const licences = await Promise.all([here, ...folders.map((folder) => join(here, folder))].map(licenceOf));

await mkdir(target, { recursive: true });
for (const { path, contents } of outputFiles) {
  await writeFile(path, contents);
  console.log(`${relative(process.cwd(), path)}: ${contents.length} bytes`);
}
await writeFile(join(target, "package.json"), '{ "type": "commonjs" }\n');
await writeFile(join(target, "LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));

// A template's own function answers at once: with the weights that ship.
if (process.argv[2] !== undefined) {
  const weights = fileURLToPath(new URL("../models/cifar10.safetensors", import.meta.resolve("@cifar/cifar")));
  await copyFile(weights, join(target, "../function/model.safetensors"));
}
