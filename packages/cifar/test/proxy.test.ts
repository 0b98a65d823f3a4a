import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchCifar10 } from "../src/dataset/fetch.js";
import { sendFile, serve, smallArchive, type TestServer } from "./archive-server.js";
import { cifar } from "./command.js";

const small = smallArchive();
let folder: string;
let origin: TestServer;
let proxy: Server;
let address: string;
/** What the proxy was asked for. */
let asked: string[];

beforeEach(async () => {
  for (const name of ["http_proxy", "https_proxy", "no_proxy"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toUpperCase(), undefined);
  }
  folder = await mkdtemp(join(tmpdir(), "cifar-proxy-"));
  origin = await serve((request, response) => sendFile(request, response, small.bytes));
  asked = [];
  proxy = createServer((request, response) => {
    asked.push(`GET ${request.url}`);
    const onward = httpRequest(request.url!, { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.end();
  });
  proxy.on("connect", (request, socket, head) => {
    asked.push(`CONNECT ${request.url}`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    // Either end may go first.
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await origin.close();
  proxy.closeAllConnections();
  proxy.close();
  await rm(folder, { recursive: true });
});

const fetchSmall = (url = origin.url) =>
  fetchCifar10({ folder, url, archive: small.archive, files: small.files, pause: 1, attempts: 2 });

describe("a download", () => {
  it.each([
    ["HTTP_PROXY", "http://"],
    ["http_proxy", "http://"],
    ["HTTP_PROXY", ""],
  ])("goes by the proxy that %s names, with %j before its address", async (name, scheme) => {
    vi.stubEnv(name, scheme + address);
    expect(await fetchSmall()).toBe(join(folder, "cifar-10-batches-bin"));
    expect(asked.join()).toContain(new URL(origin.url).host);
    expect(origin.ranges).toEqual(["none"]);
  });

  it("of https goes by HTTPS_PROXY through a tunnel", async () => {
    vi.stubEnv("HTTPS_PROXY", `http://${address}`);
    // Nobody speaks TLS there: that the proxy was asked for a tunnel to it is what counts.
    const url = origin.url.replace("http:", "https:");
    await expect(fetchSmall(url)).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
    expect(new Set(asked)).toEqual(new Set([`CONNECT ${new URL(origin.url).host}`]));
  });

  it("goes straight to the hosts that NO_PROXY names", async () => {
    vi.stubEnv("HTTP_PROXY", address);
    vi.stubEnv("NO_PROXY", "example.org,127.0.0.1");
    await fetchSmall();
    expect(asked).toEqual([]);
    expect(await readdir(folder)).toEqual(["cifar-10-batches-bin"]);
  });

  it("says which proxy does not answer, and of an address that is none which variable holds it, not what", async () => {
    vi.stubEnv("HTTP_PROXY", "http://user:secret@127.0.0.1:1");
    const unreachable = fetchSmall();
    await expect(unreachable).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("the connection was refused (by the proxy 127.0.0.1:1)"),
    });
    await expect(unreachable).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
    vi.stubEnv("HTTP_PROXY", "socks5://user:secret@127.0.0.1:1");
    await expect(fetchSmall()).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: "HTTP_PROXY: expected the address of a proxy, such as http://host:3128",
    });
  });
});

describe("the command", () => {
  it("downloads by the proxy, ends, and says in one line what else there is where nothing comes", async () => {
    const env = { CIFAR10_URL: origin.url, HTTP_PROXY: address, CIFAR_CACHE: folder };
    const { status, stdout, stderr } = await cifar(["train"], { env });
    // The archive of this test is not CIFAR-10.
    expect(stderr).toMatch(
      /^cifar: no CIFAR-10 here .*CIFAR10_DIR .*--data shapes \(http.* expected SHA-256 [0-9a-f]{64}, found .*\)$/m,
    );
    expect(stderr.split("\n").filter((line) => line.startsWith("cifar: "))).toHaveLength(1);
    expect([status, stdout]).toEqual([6, ""]);
    expect(asked.length).toBeGreaterThan(0);
  });
});
