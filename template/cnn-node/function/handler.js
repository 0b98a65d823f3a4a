// This function's own code around the classification. Both hooks are optional; without any, delete this file.
// A request has method, path, query and headers.

/**
 * Runs before the body is read. An error with a status from 400 to 499 refuses the request:
 *
 *   const token = readFileSync("/var/openfaas/secrets/token", "utf8").trim();
 *   if (request.headers.authorization !== `Bearer ${token}`) {
 *     throw Object.assign(new Error("This function asks for a token."), { status: 401 });
 *   }
 */
export function before(_request) {}

/** Runs with the answer before it is sent; what it returns is sent in its place. */
export function after(answer, _request) {
  return answer;
}
