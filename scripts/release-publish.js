// Publishes the packages whose versions the registry does not have yet. Provenance asks of each package to name the repository
// that the workflow runs in: it is written down here, so that a copy of the repository publishes under its own address.
import { execFileSync } from "node:child_process";
import { webOfWorkflow, writeRepository } from "./repository.js";

const web = webOfWorkflow();
if (web === undefined) {
  console.error("release-publish: runs in GitHub's workflow alone, GITHUB_REPOSITORY is not set");
  process.exit(1);
}
writeRepository(web);
execFileSync("npx", ["changeset", "publish"], { stdio: "inherit" });
