// Where this repository is: `repository` of the root's package.json is the one setting. This writes it, and what follows from
// it, into the packages and the pages. A release does so, with the address that GitHub's workflow gives it, so that a copy
// of the repository publishes under its own; by hand:
//   node scripts/repository.js [https://host/owner/name]
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

/** Pages that may name the address: those that readers are sent to. */
function pages() {
  const packages = readdirSync("packages").map((name) => `packages/${name}/README.md`);
  const docs = readdirSync("docs", { recursive: true }).map((name) => `docs/${name}`);
  return ["README.md", "CONTRIBUTING.md", "examples/README.md", ...packages, ...docs].filter(
    (path) => path.endsWith(".md") && !path.startsWith("docs/api/") && existsSync(path),
  );
}

/**
 * @param {string} web the repository's address in a browser; default: that of the workflow that this runs in, else what is
 * set already
 */
export function writeRepository(web = webOfWorkflow()) {
  const root = readJson("package.json");
  const before = root.repository.url.replace(/^git\+/, "");
  const address = web ?? before.replace(/\.git$/, "");
  const clone = `${address}.git`;
  root.repository.url = `git+${clone}`;
  writeJson("package.json", root);
  for (const name of readdirSync("packages")) {
    const file = `packages/${name}/package.json`;
    const manifest = readJson(file);
    manifest.repository = { ...root.repository, directory: `packages/${name}` };
    manifest.homepage = `${address}/tree/main/packages/${name}#readme`;
    manifest.bugs = { url: `${address}/issues` };
    writeJson(file, manifest);
  }
  for (const page of pages()) {
    const text = readFileSync(page, "utf8");
    if (text.includes(before)) writeFileSync(page, text.replaceAll(before, clone));
  }
}

/** The address of the repository that GitHub's workflow runs in; undefined elsewhere. */
export function webOfWorkflow() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  return server && repository ? `${server}/${repository}` : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeRepository(process.argv[2]?.replace(/\/?(\.git)?$/, ""));
}
