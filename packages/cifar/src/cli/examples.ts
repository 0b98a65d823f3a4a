import type { Command } from "commander";

/** What people type most often, by the command's words; `--help` shows it. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  cifar: ["cifar start", "cifar train --data shapes", "cifar classify picture.jpg"],
  start: ["cifar start", "cifar start --limit 1000"],
  data: ["cifar data fetch", "cifar data info"],
  "data fetch": ["cifar data fetch", "cifar data fetch --folder /data"],
  "data info": ["cifar data info", "cifar data info --data photos"],
  "data shapes": ["cifar data shapes --out drawn --train 1000 --test 200"],
  train: [
    "cifar train",
    "cifar train shapes --epochs 1",
    "cifar train --data photos --recipe fast --epochs 20 --out runs/photos",
    "cifar train --resume runs/photos",
  ],
  eval: ["cifar eval", "cifar eval runs/photos --data photos"],
  classify: ["cifar classify picture.jpg", "cifar classify --model runs/photos --top 1 new-photos"],
  explain: ["cifar explain picture.jpg", "cifar explain --model runs/photos --class pears --out why.png picture.jpg"],
  export: ["cifar export --out cifar10.onnx", "cifar export runs/photos --out photos.safetensors"],
  info: ["cifar info", "cifar info runs/photos"],
};

/** Adds to the help of a command and of all below it the examples that there are. */
export function addExamples(command: Command, words = ""): void {
  const examples = EXAMPLES[words || command.name()];
  if (examples !== undefined) command.addHelpText("after", `\nExamples:\n  ${examples.join("\n  ")}`);
  for (const inner of command.commands) addExamples(inner, `${words} ${inner.name()}`.trim());
}
