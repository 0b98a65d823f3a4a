import { readFileSync } from "node:fs";
import { availableParallelism, cpus, platform, release, totalmem } from "node:os";

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly system: string;
  readonly node: string;
  readonly date: string;
}

/** Describes this machine, as far as the operating system tells. */
export function describeMachine(): Machine {
  return {
    cpu: `${cpus()[0]?.model.trim() ?? "unknown"}${cpuFamily()}`,
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${platform()} ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Cloud machines hide the model behind a bare `AMD EPYC`; family and model number tell the generation. */
function cpuFamily(): string {
  try {
    const info = readFileSync("/proc/cpuinfo", "utf8");
    const family = /^cpu family\s*:\s*(\d+)/m.exec(info)?.[1];
    const model = /^model\s*:\s*(\d+)/m.exec(info)?.[1];
    return family && model ? ` (family ${family}, model ${model})` : "";
  } catch {
    return "";
  }
}
