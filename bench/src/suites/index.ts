import type { Suite } from "../suite.js";
import { footprint } from "./footprint.js";
import { gpu } from "./gpu.js";
import { infer } from "./infer.js";
import { kernels } from "./kernels.js";
import { profile } from "./profile.js";
import { recipes } from "./recipes.js";
import { serve } from "./serve.js";
import { train } from "./train.js";

/** All suites, in the order in which they run. */
export const suites: readonly Suite[] = [infer, train, kernels, profile, serve, gpu, footprint, recipes];
