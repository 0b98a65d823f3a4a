// node main.mjs FOLDER --image TAG [flags of podman run]
// node main.mjs FOLDER --node NODE --runtime FOLDER --model FILE
// See attack.sh, which calls it.
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { Round } from "./round.mjs";
import { createTarget } from "./target.mjs";

const LONGEST_DELAY = 250;
const CONNECTIONS = [1, 4, 16];
const [folder, ...words] = process.argv.slice(2);
const value = (name) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const how = {
  image: value("--image"),
  flags: words.slice(2),
  node: value("--node"),
  runtime: value("--runtime"),
  model: value("--model"),
  watchdog: process.env.ATTACK_WATCHDOG === "1",
};

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name)
  .sort();
const bodies = names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
if (bodies.length === 0) throw new Error(`${folder} holds no files`);
const ports = { function: await freePort(), watchdog: await freePort() };
const port = how.watchdog && how.image !== undefined ? ports.watchdog : ports.function;
const target = createTarget(how, ports);
/** An honest picture of the network's format, to compare with. */
const honest = Array.from({ length: 40 }, () => ({ name: "honest", bytes: Buffer.alloc(3072, 99) }));

/** A small corpus is thrown often enough that every connection has something to carry. */
const repeated = (connections) =>
  Array.from({ length: Math.max(bodies.length, 2 * connections) }, (_, index) => bodies[index % bodies.length]);

let failed = false;
await target.start();
for (const connections of CONNECTIONS) {
  for (const [what, thrown] of Object.entries({ honest, hostile: repeated(connections) })) {
    const round = new Round({ target, ports: { thrown: port, health: ports.function }, bodies: thrown, connections });
    const { statuses, slowest, delay, late, deaths } = await round.run();
    const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
    console.log(
      `${what}, ${connections} at once: ${answers.join(", ")}; slowest answer ${Math.round(slowest.took)} ms (${slowest.name}); ` +
        `worst health delay ${Math.round(delay.took)} ms${delay.during === "" ? "" : ` (during ${delay.during})`}, give or take ${Math.ceil(late)} ms of the machine's own`,
    );
    for (const { how, during } of deaths) console.log(`  DEATH: ${how}, during ${during}`);
    if (what === "hostile") failed ||= deaths.length > 0 || delay.took > LONGEST_DELAY;
  }
}
await target.stop();
const { peak, kills } = target.memory;
console.log(`memory: ${(peak / 2 ** 20).toFixed(1)} MiB at most; ended by the system for memory: ${kills}`);
failed ||= kills > 0;
// Whatever else runs here makes health checks wait too.
const busy = loadavg()[0] / availableParallelism();
console.log(
  `load of the machine: ${busy.toFixed(1)} a core${busy > 1.5 ? "; delays are to be measured again on a quiet one" : ""}`,
);
console.log(failed ? `FAILED: a death, or a health check that waited over ${LONGEST_DELAY} ms` : "held");
process.exit(failed ? 1 : 0);
