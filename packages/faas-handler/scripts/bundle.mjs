// Bundles the program of the image to one file, with the page inside, and gathers the licences of what is in it. Where
// `threads` is above 1, further threads start from a small file of their own beside it.
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

const { outputFiles, metafile } = await build({
  entryPoints: {
    index: join(here, "dist/main.js"),
    "node-thread": fileURLToPath(new URL("platform/node-thread.js", import.meta.resolve("@cifar/cnn"))),
  },
  outdir: target,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  absWorkingDir: here,
  plugins: [pageInside],
  // The function computes on the CPU: backend gpu, which is loaded on demand alone, stays out.
  external: ["@cifar/tensor/gpu"],
  // Dependencies in CommonJS ask for Node's own modules with require.
  banner: { js: 'import{createRequire as r}from"node:module";const require=r(import.meta.url);' },
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
  // The name under which the program looks for its threads.
  const file = path.replace("node-thread.mjs", "node-thread.js");
  await writeFile(file, contents);
  console.log(`${relative(process.cwd(), file)}: ${contents.length} bytes`);
}
await writeFile(join(target, "LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));

// A template's own function answers at once: with the weights that ship.
if (process.argv[2] !== undefined) {
  const weights = fileURLToPath(new URL("../models/cifar10.safetensors", import.meta.resolve("@cifar/cifar")));
  await copyFile(weights, join(target, "../function/model.safetensors"));
}
