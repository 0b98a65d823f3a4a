// Writes the software bill of materials of the published packages: CycloneDX of `npm sbom`, cut down to what they need at run
// time. (`npm sbom --omit dev` loses what some other workspace has among its devDependencies.)
//   node scripts/sbom.js [sbom.cdx.json]
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const file = process.argv[2] ?? "sbom.cdx.json";
const bom = JSON.parse(
  execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx"], { encoding: "utf8", maxBuffer: 1 << 28 }),
);
const edges = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
const nameOf = (ref) => ref.slice(0, ref.lastIndexOf("@"));

const wanted = new Set();
const visit = (ref) => {
  if (wanted.has(ref)) return;
  wanted.add(ref);
  for (const other of edges.get(ref)) visit(other);
};
const manifests = readdirSync("packages").map((folder) =>
  JSON.parse(readFileSync(`packages/${folder}/package.json`, "utf8")),
);
// What is installed here for the packages' development stands among their edges too.
for (const { name, version, dependencies = {} } of manifests) {
  const ref = `${name}@${version}`;
  edges.set(
    ref,
    edges.get(ref).filter((other) => nameOf(other) in dependencies),
  );
}
for (const { name, version } of manifests) visit(`${name}@${version}`);

bom.metadata.component.name = "@cifar";
bom.components = bom.components.filter((component) => wanted.has(component["bom-ref"]));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => wanted.has(ref) || ref === bom.metadata.component["bom-ref"])
  .map(({ ref }) => ({ ref, dependsOn: edges.get(ref).filter((other) => wanted.has(other)) }));
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
console.log(`${file}: ${bom.components.length} components`);
