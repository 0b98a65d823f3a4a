#!/usr/bin/env node
// Stands for OpenFaaS's of-watchdog in mode=http: what a function can notice of it, written from observations of
// version 0.11.6. Plain JavaScript on node:http alone, so that a container can run it as /fwatchdog too.
import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1m30s` or whole seconds, in milliseconds. */
function duration(text, fallback) {
  if (text === undefined || text === "") {
    return fallback;
  }
  if (/^\d+$/.test(text)) {
    return Number(text) * 1000;
  }
  return [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce(
    (sum, [, value, unit]) => sum + Number(value) * UNITS[unit],
    0,
  );
}

const environment = process.env;
const writeTimeout = duration(environment.write_timeout, 30_000);
const execTimeout = duration(environment.exec_timeout, 30_000);
const healthcheckInterval = duration(environment.healthcheck_interval, writeTimeout);
const upstream = new URL(environment.upstream_url ?? "http://127.0.0.1:3000");
const maxInflight = Number(environment.max_inflight ?? 0);
const prefixLogs = environment.prefix_logs !== "false";
const LONGEST_LINE = 64 * 1024;
/** Health and readiness ask for it; with suppress_lock somebody else writes it. */
const lock = join(environment.TMPDIR || "/tmp", ".lock");
const writesLock = !["true", "1"].includes(environment.suppress_lock);

// As Go's transport: a connection is used again once its answer is here and all of the request has gone out.
const pool = new Agent({ keepAlive: true, maxFreeSockets: 100, timeout: 500 });

let accepting = true;
let inflight = 0;

const [command, ...args] = (environment.fprocess ?? "").split(" ");
const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
for (const name of ["stdout", "stderr"]) {
  const lines = createInterface({ input: child[name] });
  let silenced = false;
  lines.on("line", (line) => {
    silenced ||= line.length >= LONGEST_LINE;
    if (!silenced) {
      process.stderr.write(prefixLogs ? `${new Date().toISOString()} ${name}: ${line}\n` : `${line}\n`);
    }
  });
}
child.on("exit", (code) => {
  process.stderr.write(`Forked function has terminated: ${code ?? "by a signal"}\n`);
  // A failed function takes the watchdog down, and with it whatever is in flight.
  if (code !== 0) {
    process.exit(1);
  }
});

function answerEmpty(response, status) {
  response.writeHead(status, { "content-length": 0 });
  response.end();
}

/** Headers that a proxy does not pass on (RFC 9110, 7.6.1). */
const OF_ONE_CONNECTION = ["connection", "keep-alive", "transfer-encoding"];

function proxy(request, response, path) {
  const asked = duration(request.headers["x-timeout"], execTimeout);
  const headers = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index].toLowerCase();
    const value = request.rawHeaders[index + 1];
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  for (const name of ["content-length", ...OF_ONE_CONNECTION]) {
    delete headers[name];
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const outgoing = httpRequest({
    agent: pool,
    host: upstream.hostname,
    port: upstream.port,
    method: request.method,
    path,
    headers: hasBody ? { ...headers, "transfer-encoding": "chunked" } : headers,
  });
  const timer = setTimeout(
    () => {
      if (response.headersSent) {
        response.destroy();
      } else {
        answerEmpty(response, 504);
      }
      outgoing.destroy();
    },
    Math.min(asked, execTimeout),
  );
  outgoing.on("response", (incoming) => {
    const answered = { ...incoming.headers };
    for (const name of OF_ONE_CONNECTION) {
      delete answered[name];
    }
    response.writeHead(incoming.statusCode, answered);
    incoming.pipe(response);
  });
  outgoing.on("error", () => {
    if (!response.headersSent) {
      answerEmpty(response, 500);
    }
  });
  response.on("close", () => {
    clearTimeout(timer);
    inflight--;
    if (!response.writableFinished) {
      outgoing.destroy();
    }
  });
  inflight++;
  request.pipe(outgoing);
}

const server = createServer((request, response) => {
  const path = request.url.replace(/^\/function\/[^/?]+\/?/, "/");
  if (path === "/_/health") {
    answerEmpty(response, accepting && existsSync(lock) ? 200 : 503);
  } else if (path === "/_/ready") {
    const healthy = accepting && existsSync(lock);
    if (healthy && environment.ready_path) {
      proxy(request, response, environment.ready_path);
    } else {
      answerEmpty(response, healthy ? 200 : 503);
    }
  } else if (maxInflight > 0 && inflight >= maxInflight) {
    answerEmpty(response, 429);
  } else {
    proxy(request, response, path);
  }
});
server.listen(Number(environment.port ?? 8080));
if (writesLock) {
  writeFileSync(lock, "");
}

process.on("SIGTERM", () => {
  child.kill("SIGTERM");
  accepting = false;
  rmSync(lock, { force: true });
  setTimeout(() => {
    setTimeout(() => process.exit(0), writeTimeout).unref();
    server.close(() => process.exit(0));
    const idle = setInterval(() => server.closeIdleConnections(), 20);
    idle.unref();
  }, healthcheckInterval);
});
