import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { scriptsOf } from "./support/blocks.ts";
import { ROOT } from "./support/run.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly steps: readonly Step[];
}

const FOLDER = join(ROOT, ".github", "workflows");
const workflows = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  return { name, text, jobs: Object.values((parse(text) as { jobs: Record<string, Job> }).jobs) };
});
const { engines, scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  engines: { node: string };
  scripts: Record<string, string>;
};
const jobsOf = (name: string) => workflows.find((workflow) => workflow.name === name)?.jobs ?? [];

describe.each(workflows)("the workflow $name", ({ text, jobs }) => {
  it("runs scripts that are there", () => {
    const programs = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(programs.filter((program) => program.startsWith(".") && !existsSync(join(ROOT, program)))).toEqual([]);
    expect(scriptsOf(text).filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it("names every action with the version that it was written for", () => {
    const actions = jobs.flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/@(v\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
  });
});

describe("the workflows", () => {
  it("test the oldest Node that the packages take, and the two long-lived ones after it", () => {
    const oldest = Number(/\d+/.exec(engines.node)?.[0]);
    expect(jobsOf("ci.yml")[0]?.strategy?.matrix.node).toEqual([oldest, oldest + 2, oldest + 4]);
  });

  it("publish with provenance, for which GitHub has to vouch", () => {
    const [job] = jobsOf("release.yml");
    expect(job?.permissions?.["id-token"]).toBe("write");
    expect(workflows.find(({ name }) => name === "release.yml")?.text).toContain('NPM_CONFIG_PROVENANCE: "true"');
  });
});
