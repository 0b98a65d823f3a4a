import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import satisfies from "spdx-satisfies";
import { beforeAll, describe, expect, it } from "vitest";
import { PACKAGES, withDependencies } from "./support/packed.ts";
import { ROOT, run } from "./support/run.ts";

/** What may be passed on with a program under the MIT licence, as long as its notice goes along. */
const SHIPPED = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "BlueOak-1.0.0", "0BSD"];

/** What tools that are only run may have beside those. */
const TOOLS = [...SHIPPED, "CC0-1.0", "CC-BY-3.0", "MPL-2.0", "Python-2.0", "Unlicense"];

/** Packages whose manifest does not name its licence by SPDX's identifier, with what their LICENSE says. */
const READ_BY_HAND: Readonly<Record<string, string>> = { "spawndamnit@3.0.1": "MIT" };

interface Component {
  readonly "bom-ref": string;
  readonly purl: string;
  readonly licenses?: readonly { readonly expression?: string; readonly license?: { readonly id?: string } }[];
}

/** A bill of materials' components whose licences a list does not allow. */
function refused(components: readonly Component[], allowed: readonly string[]): string[] {
  return components
    .map(({ "bom-ref": name, licenses = [] }) => {
      const named = licenses.map(({ expression, license }) => expression ?? license?.id ?? "");
      return { name, licence: READ_BY_HAND[name] ?? named.join(" AND ") };
    })
    .filter(({ licence }) => licence === "" || !satisfies(licence, [...allowed]))
    .map(({ name, licence }) => `${name}: ${licence}`);
}

describe("licences", () => {
  it("of everything that is installed here may be used for building and testing", async () => {
    const { stdout } = await run("npm", ["sbom", "--sbom-format", "cyclonedx"], { cwd: ROOT });
    const { components } = JSON.parse(stdout) as { components: Component[] };
    expect(components.length).toBeGreaterThan(100);
    expect(refused(components, TOOLS)).toEqual([]);
  });

  it("that are not on a list are refused, and so is a package without one", () => {
    const component = (id: string) => ({ "bom-ref": id, purl: "", licenses: [{ license: { id } }] });
    expect(refused([component("GPL-3.0-only"), component("MIT")], TOOLS)).toEqual(["GPL-3.0-only: GPL-3.0-only"]);
    expect(refused([{ "bom-ref": "a@1.0.0", purl: "" }], TOOLS)).toEqual(["a@1.0.0: "]);
  });
});

describe("npm run sbom", () => {
  let components: readonly Component[] = [];
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "cifar-sbom-"));
    const file = join(folder, "sbom.json");
    const { status, stderr } = await run("npm", ["run", "--silent", "sbom", "--", file], { cwd: ROOT });
    expect(status, stderr).toBe(0);
    ({ components } = JSON.parse(readFileSync(file, "utf8")) as { components: Component[] });
    await rm(folder, { recursive: true });
  });

  it("names what the packages need at run time, and nothing else", () => {
    const installed = withDependencies(PACKAGES).map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
        string,
        string
      >;
      return `pkg:npm/${name!.replace("@", "%40")}@${version}`;
    });
    const named = components.map(({ purl }) => purl.replace(/\?.*$/, ""));
    expect(named.sort()).toEqual(installed.sort());
  });

  it("tells licences that may be passed on", () => {
    expect(refused(components, SHIPPED)).toEqual([]);
  });
});
