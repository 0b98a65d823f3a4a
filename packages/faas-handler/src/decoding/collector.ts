import v8 from "node:v8";
import vm from "node:vm";

/** V8's own collector, of the thread that asks for it; a flag of V8 is switched on for it, as only a program may. */
export function exposeCollector(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}
