/** What went wrong, stable across versions, for programs to act on. */
export type CifarErrorCode =
  /** CIFAR-10, a model or a picture is not where it was looked for. */
  | "NOT_FOUND"
  /** A data file is cut, altered or not what it says. */
  | "INVALID_DATA"
  /** The archive could not be fetched. */
  | "DOWNLOAD_FAILED"
  /** Bytes that are no picture, or a picture of a kind that cannot be read. */
  | "INVALID_PICTURE"
  /** A picture with more pixels than allowed. */
  | "PICTURE_TOO_LARGE"
  /** A file or folder could not be written. */
  | "CANNOT_WRITE"
  /** An argument is out of its range, or two of them contradict each other. */
  | "INVALID_ARGUMENT"
  /** Stopped through an AbortSignal. */
  | "ABORTED";

/** Thrown by @cifar/cifar. The message is one line that says what was expected and what came. */
export class CifarError extends Error {
  override readonly name = "CifarError";
  readonly code: CifarErrorCode;

  constructor(code: CifarErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why the operating system refused, in words: `disk full`, `permission denied`; or else the message itself. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && REASONS[code]) || error.message;
}

/** The same for what `fetch` throws, which wraps what really happened as the cause of `fetch failed`. */
export function networkReasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return reasonOf(cause instanceof Error ? cause : error);
}

/** The operating system's refusals that users meet, in their words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than this process may write",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  EEXIST: "a file of that name is there already",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder, not a file",
  ENOENT: "no such file or folder",
  ENAMETOOLONG: "the name is longer than the file system takes",
  ELOOP: "the links lead in a circle",
  EBUSY: "it is in use",
  ENXIO: "nobody takes what is written to it",
  EPIPE: "who read it has gone",
  ENOTFOUND: "the server's name could not be looked up",
  EAI_AGAIN: "the server's name could not be looked up",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_CONNECT_TIMEOUT: "the server did not answer",
  ETIMEDOUT: "the server did not answer",
  ENETUNREACH: "the network is unreachable",
  EHOSTUNREACH: "the server is unreachable",
};
