import { CifarError, networkReasonOf } from "../errors.js";
import type { Environment } from "./locate.js";

/** What of a response a download looks at. */
export interface FetchedResponse extends Pick<Response, "status" | "statusText"> {
  readonly headers: { get(name: string): string | null };
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null;
}

/**
 * `fetch` by way of the proxy that the environment names, which Node's own passes by: `HTTPS_PROXY` and `HTTP_PROXY`, or in
 * small letters, but not for the hosts of `NO_PROXY`.
 * @throws CifarError DOWNLOAD_FAILED if what the environment names is no proxy; what `fetch` throws
 */
export async function fetchByProxy(
  url: string,
  request: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
  environment: Environment = process.env,
): Promise<FetchedResponse> {
  const httpProxy = proxyOf("http_proxy", environment);
  const httpsProxy = proxyOf("https_proxy", environment);
  if (httpProxy === undefined && httpsProxy === undefined) return fetch(url, request);
  const { EnvHttpProxyAgent, fetch: fetchBy } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    noProxy: settingOf("no_proxy", environment) ?? "",
  });
  try {
    return await fetchBy(url, { ...request, dispatcher });
  } catch (error) {
    // Which of the two did not answer cannot be told, and without the proxy's name one would look for it elsewhere.
    const proxies = [...new Set([httpsProxy, httpProxy])].flatMap((proxy) => (proxy ? [new URL(proxy).host] : []));
    throw new Error(`${networkReasonOf(error)} (by the proxy ${proxies.join(" or ")})`);
  }
}

/** The address of a proxy; one without a scheme is http, as for curl. */
function proxyOf(name: "http_proxy" | "https_proxy", environment: Environment): string | undefined {
  const value = settingOf(name, environment);
  if (value === undefined) return undefined;
  const address = value.includes("://") ? value : `http://${value}`;
  if (/^https?:/i.test(address) && URL.canParse(address)) return address;
  // The address itself may hold a password.
  throw new CifarError(
    "DOWNLOAD_FAILED",
    `${name.toUpperCase()}: expected the address of a proxy, such as http://host:3128`,
  );
}

function settingOf(name: string, environment: Environment): string | undefined {
  return environment[name] || environment[name.toUpperCase()] || undefined;
}
