#!/usr/bin/env node
// Stands for OpenFaaS's faas-cli (0.18.12, written from observations) as far as the documentation uses it. It builds nothing
// and has no cluster: `up` says what it would deploy, and refuses what could not be built or run there.
//   faas-cli template pull URL | template store pull NAME | new --lang LANG NAME [--append FILE] | up [-f FILE]
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parse } from "yaml";

const OWN = fileURLToPath(new URL("../../../template", import.meta.url));

function refuse(text) {
  console.error(text);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  options: {
    lang: { type: "string" },
    append: { type: "string" },
    yaml: { type: "string", short: "f", default: "stack.yaml" },
  },
  allowPositionals: true,
});
const [command, ...words] = positionals;

function pull([word, source, name]) {
  if (word !== "pull" && word !== "store") refuse(`unknown command: template ${word}`);
  if (word === "store") {
    mkdirSync(join("template", name, "function"), { recursive: true });
    writeFileSync(join("template", name, "template.yml"), `language: ${name}\nhandler_folder: function\n`);
    return;
  }
  if (!/^(https?|git|ssh):\/\/\S+$/.test(source ?? "")) refuse("The repository URL must be a valid git repo uri");
  cpSync(OWN, "template", { recursive: true });
}

function create([name]) {
  const { lang, append } = values;
  if (!existsSync(join("template", String(lang)))) refuse(`template: ${lang} was not found in the templates folder`);
  if (append === undefined && existsSync("stack.yaml")) {
    refuse('File: stack.yaml already exists. Try "faas-cli new --append stack.yaml" instead');
  }
  if (existsSync(name)) refuse(`folder: ${name} already exists`);
  const { handler_folder: folder } = parse(readFileSync(join("template", lang, "template.yml"), "utf8"));
  cpSync(join("template", lang, folder), name, { recursive: true });
  const prefix = process.env.OPENFAAS_PREFIX ? `${process.env.OPENFAAS_PREFIX}/` : "";
  const entry = `  ${name}:\n    lang: ${lang}\n    handler: ./${name}\n    image: ${prefix}${name}:latest\n`;
  const head = "version: 1.0\nprovider:\n  name: openfaas\n  gateway: http://127.0.0.1:8080\nfunctions:\n";
  const before = append === undefined ? head : readFileSync(append, "utf8");
  writeFileSync(append ?? "stack.yaml", before + entry);
}

function up() {
  const { yaml } = values;
  if (!existsSync(yaml)) refuse(`open ${yaml}: no such file or directory`);
  const text = readFileSync(yaml, "utf8").replace(
    /\$\{(\w+):-(\w+)\}/g,
    (_, name, other) => process.env[name] || other,
  );
  for (const [name, { lang, handler, image }] of Object.entries(parse(text).functions)) {
    if (!existsSync(join("template", lang, "template.yml"))) refuse(`language template: ${lang} not supported`);
    if (!existsSync(join(handler, "model.safetensors"))) refuse(`${name}: there is no model in ${handler}`);
    // A push needs a registry's name, and a cluster cannot pull from this machine.
    if (!/^[\w.-]+\.\w+\//.test(image)) refuse(`${name}: no cluster can pull ${image}`);
    console.log(`deployed ${name}`);
  }
}

const COMMANDS = { template: pull, new: create, up };
(COMMANDS[command] ?? (() => refuse(`unknown command: ${command}`)))(words);
