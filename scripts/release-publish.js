// Publishes the packages whose versions the registry does not have yet. Provenance asks of each package to name the repository
// that the workflow runs in: it is written down here, so that a copy of the repository publishes under its own address.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
if (server === undefined || repository === undefined) {
  console.error("release-publish: runs in GitHub's workflow alone, GITHUB_REPOSITORY is not set");
  process.exit(1);
}
for (const folder of readdirSync("packages")) {
  const file = `packages/${folder}/package.json`;
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  manifest.repository = { type: "git", url: `git+${server}/${repository}.git`, directory: `packages/${folder}` };
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
execFileSync("npx", ["changeset", "publish"], { stdio: "inherit" });
