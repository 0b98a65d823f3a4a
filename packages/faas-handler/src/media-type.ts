/** A media type and its parameters, all names in lower case. */
export interface MediaType {
  /** Such as `image/png`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;

/**
 * Reads a Content-Type (RFC 9110, 8.3).
 * @returns undefined where it is not `type/subtype` with well-formed parameters
 */
export function parseMediaType(text: string): MediaType | undefined {
  const [essence = "", ...rest] = splitOutsideQuotes(text, ";");
  const [type, subtype, ...more] = essence.trim().toLowerCase().split("/");
  if (type === undefined || subtype === undefined || more.length > 0 || !TOKEN.test(type) || !TOKEN.test(subtype)) {
    return undefined;
  }
  const parameters = new Map<string, string>();
  for (const each of rest) {
    const at = each.indexOf("=");
    const name = each.slice(0, at).trim().toLowerCase();
    const value = each.slice(at + 1).trim();
    if (each.trim() === "") {
      continue;
    }
    if (at < 0 || !TOKEN.test(name)) {
      return undefined;
    }
    parameters.set(name, value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value);
  }
  return { type: `${type}/${subtype}`, parameters };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (quoted && sign === "\\") {
      at++;
    } else if (sign === '"') {
      quoted = !quoted;
    } else if (sign === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseAccept(accept: string): Range[] {
  return splitOutsideQuotes(accept, ",").flatMap((part): Range[] => {
    const range = parseMediaType(part);
    if (range === undefined) {
      return [];
    }
    const quality = Number(range.parameters.get("q") ?? 1);
    return [{ type: range.type, quality: quality >= 0 && quality <= 1 ? quality : 0 }];
  });
}

/**
 * Chooses among what can be offered by an Accept header (RFC 9110, 12.5.1): the highest quality wins, then the order
 * of `offers`. Without a header, or with one that names nothing well-formed, the first offer is taken.
 * @returns undefined where none is acceptable
 */
export function negotiate(accept: string | undefined, offers: readonly string[]): string | undefined {
  const ranges = parseAccept(accept ?? "");
  if (ranges.length === 0) {
    return offers[0];
  }
  let best: string | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality > bestQuality) {
      best = offer;
      bestQuality = quality;
    }
  }
  return best;
}

/** The most specific range that matches decides. */
function qualityOf(offer: string, ranges: readonly Range[]): number {
  const wildcard = `${offer.slice(0, offer.indexOf("/"))}/*`;
  for (const wanted of [offer, wildcard, "*/*"]) {
    const range = ranges.find((each) => each.type === wanted);
    if (range !== undefined) {
      return range.quality;
    }
  }
  return 0;
}
