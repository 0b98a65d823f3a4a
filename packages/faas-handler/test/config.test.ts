import { describe, expect, it } from "vitest";
import { ConfigurationError, checkModelFile, parseDuration, readConfig } from "../src/config.ts";

describe("readConfig", () => {
  it("fills in what is not set", () => {
    expect(readConfig({})).toEqual({
      modelPath: "./model.safetensors",
      port: 3000,
      host: "127.0.0.1",
      lockPath: undefined,
      maxBodyBytes: 2_097_152,
      maxPixels: 1_048_576,
      maxPictures: 1000,
      maxBatch: 8,
      maxInflight: 64,
      execTimeout: 30_000,
      uploadTimeout: 5000,
      answerTimeout: 10_000,
      drainTime: 0,
      threads: 1,
      logLevel: "info",
    });
  });

  it("drains for as long as the watchdog does: its health check's interval, else its write_timeout", () => {
    expect(readConfig({ healthcheck_interval: "5s", write_timeout: "35s" }).drainTime).toBe(5000);
    expect(readConfig({ write_timeout: "35s" }).drainTime).toBe(35_000);
  });

  it("takes 0 as no limit where the watchdog does", () => {
    for (const none of ["0", "0s", "0ms"]) {
      expect(readConfig({ exec_timeout: none }).execTimeout).toBe(Number.POSITIVE_INFINITY);
    }
    expect(readConfig({ max_inflight: "0" }).maxInflight).toBe(Number.POSITIVE_INFINITY);
    expect(readConfig({ healthcheck_interval: "0", write_timeout: "35s" }).drainTime).toBe(0);
  });

  it("writes the watchdog's lock file where that is left to the function, in the folder where the watchdog looks", () => {
    expect(readConfig({ suppress_lock: "false" }).lockPath).toBeUndefined();
    expect(readConfig({ suppress_lock: "true" }).lockPath).toBe("/tmp/.lock");
    expect(readConfig({ suppress_lock: "1", TMPDIR: "/var/tmp/" }).lockPath).toBe("/var/tmp/.lock");
  });

  it("names the variable, its range and its value where it is not valid", () => {
    expect(() => readConfig({ http_port: "http" })).toThrow(
      new ConfigurationError('http_port must be a whole number from 0 to 65535, but is "http"'),
    );
    for (const [name, value] of [
      ["max_body_bytes", "0"],
      ["max_pixels", "-1"],
      ["max_batch", "1.5"],
      ["max_inflight", "1e3"],
      ["threads", "65"],
      ["exec_timeout", "soon"],
      ["healthcheck_interval", "9999h"],
      ["log_level", "loud"],
    ] as const) {
      expect(() => readConfig({ [name]: value }), `${name}=${value}`).toThrow(
        new RegExp(`^${name} must be .*"${value}"$`),
      );
    }
  });

  it("asks for a model file that is there", () => {
    expect(() => checkModelFile(readConfig({ model_path: "/nowhere/model.safetensors" }))).toThrow(/^model_path must/);
    expect(() => checkModelFile(readConfig({ model_path: "." }))).toThrow(ConfigurationError);
  });
});

describe("parseDuration", () => {
  it("reads Go's durations and whole seconds, as the watchdog does", () => {
    expect(["30", "1m30s", "500ms", "1.5s", "2h", "1us"].map(parseDuration)).toEqual([
      30_000, 90_000, 500, 1500, 7_200_000, 0.001,
    ]);
  });

  it("refuses anything else", () => {
    expect(["", "s", "5 s", "-1s", "1d", "1.s", "9".repeat(400)].map(parseDuration)).toEqual(
      new Array(7).fill(undefined),
    );
  });
});
