import { Application } from "./application.js";
import type { Classifier } from "./classifier.js";
import { type Config, readConfig } from "./config.js";
import { createDecoder } from "./decoding/decoder.js";
import { GarbageMeter } from "./garbage.js";
import { createHandler, type Handler } from "./handler.js";
import type { Hooks } from "./hooks.js";
import { loadHooks } from "./load-hooks.js";
import { createLogger, type Logger } from "./log.js";
import { writeLine } from "./log-writer.js";
import { loadClassifier } from "./model.js";
import { FunctionServer } from "./server.js";

export interface ServerOptions {
  /** Default: read from the environment. */
  readonly config?: Config;
  /** Default: one JSON line a request to standard output. */
  readonly logger?: Logger;
  /** Default: loaded from `config.modelPath`. */
  readonly classifier?: Classifier;
  /** For programs: switches on what makes the network faster in this process, and says what came of it. */
  readonly tune?: () => Promise<string>;
  /** For programs: finds what collects garbage at once; default: `gc` of `node --expose-gc`. */
  readonly collector?: () => Promise<() => void>;
  /** Default: the exports of `handler.js` beside the model. */
  readonly hooks?: Hooks;
}

/** An application without its network yet. */
export function createApplication(options: ServerOptions): Application {
  const { config = readConfig(process.env) } = options;
  const logger = options.logger ?? createLogger(config.logLevel, writeLine);
  const { gc } = globalThis;
  const garbage = new GarbageMeter(options.collector ?? (gc === undefined ? undefined : async () => gc));
  const decoder = createDecoder({ config, logger, garbage, collects: options.collector !== undefined });
  return new Application({ config, logger, garbage, decode: decoder.decode, closeDecoder: () => decoder.close() });
}

/**
 * Hands an application its network and its hooks, the first ones or new ones.
 * @param version other than 0 loads a `handler.js` that has changed since
 * @throws CnnError INVALID_FILE; Error where `handler.js` cannot be loaded
 */
export async function loadInto(application: Application, options: ServerOptions, version = 0): Promise<void> {
  const { config, logger } = application;
  const hooks = options.hooks ?? (await loadHooks(config, version));
  const classifier = options.classifier ?? (await loadClassifier({ config, logger, tune: options.tune }));
  application.use(classifier, hooks);
  logger.log("info", "ready", { msSinceStart: Math.round(performance.now()) });
}

/**
 * The function as a server on node:http. It listens first and loads after: what arrives meanwhile waits for the model,
 * and `/_/ready` says 503.
 * @throws ConfigurationError
 */
export function createServer(options: ServerOptions = {}): FunctionServer {
  const application = createApplication(options);
  return new FunctionServer(application, () => loadInto(application, options));
}

let shared: Promise<Application> | undefined;

/**
 * A whole function for the official Node template, called from its `handler.js`. Configured by environment like the
 * server; the model is loaded with the first call.
 */
export const handler: Handler = createHandler(() => {
  shared ??= (async () => {
    const application = createApplication({});
    await loadInto(application, {});
    return application;
  })();
  return shared;
});
