import { Application } from "./application.js";
import type { Classifier } from "./classifier.js";
import { type Config, readConfig } from "./config.js";
import { pictureDecoder } from "./decode.js";
import { createHandler, type Handler } from "./handler.js";
import type { Hooks } from "./hooks.js";
import { loadHooks } from "./load-hooks.js";
import { createLogger, type Logger } from "./log.js";
import { loadClassifier } from "./model.js";
import { FunctionServer } from "./server.js";

export interface ServerOptions {
  /** Default: read from the environment. */
  readonly config?: Config;
  /** Default: one JSON line a request to standard output. */
  readonly logger?: Logger;
  /** Default: loaded from `config.modelPath`. */
  readonly classifier?: Classifier;
  /** Default: the exports of `handler.js` beside the model. */
  readonly hooks?: Hooks;
}

interface Created {
  readonly application: Application;
  readonly load: () => Promise<void>;
}

function createApplication(options: ServerOptions): Created {
  const { config = readConfig(process.env) } = options;
  const logger = options.logger ?? createLogger(config.logLevel, (line) => process.stdout.write(line));
  const application = new Application({ config, logger, decode: pictureDecoder(config.maxPixels) });
  const load = async (): Promise<void> => {
    application.hooks = options.hooks ?? (await loadHooks(config));
    application.use(options.classifier ?? (await loadClassifier(config, logger)));
    logger.log("info", "ready", { msSinceStart: Math.round(performance.now()) });
  };
  return { application, load };
}

/**
 * The function as a server on node:http. It listens first and loads after: what arrives meanwhile waits for the model,
 * and `/_/ready` says 503.
 * @throws ConfigurationError
 */
export function createServer(options: ServerOptions = {}): FunctionServer {
  const { application, load } = createApplication(options);
  return new FunctionServer(application, load);
}

let shared: Promise<Application> | undefined;

/**
 * A whole function for the official Node template: `export { handler as default }`. Configured by environment like the
 * server; the model is loaded with the first call.
 */
export const handler: Handler = createHandler(() => {
  shared ??= (async () => {
    const { application, load } = createApplication({});
    await load();
    return application;
  })();
  return shared;
});
