#!/usr/bin/env bash
# Builds the template's image and runs its container, see image-steps.sh for what it needs. That the result needs no libc
# of its own is shown by what its layers hold: no native file beyond the base.
#   scripts/image.sh [folder of the function, default template/cnn-node/function]
set -euo pipefail
source "$(dirname "$0")/image-steps.sh"

function=${1:-$root/template/cnn-node/function}
tag=localhost/$name:test

missing=$(missing_tool)
if [ -n "$missing" ]; then
  echo "skipped: $missing"
  exit 0
fi
make_base node
make_watchdog
say "build"
build_image $tag "$function" "$root/template/cnn-node/runtime"

say "layers beyond the base, newest first"
podman "${storage[@]}" history --format '{{.Size}}\t{{.CreatedBy}}' $tag | sed 's/[[:space:]]\+/ /g' | cut -c1-120
base_layers=$(podman "${storage[@]}" image inspect $base --format '{{len .RootFS.Layers}}')
archive=$work/image
rm -rf "$archive" && mkdir "$archive"
podman "${storage[@]}" save --format oci-archive $tag | tar -C "$archive" -x
node - "$archive" "$base_layers" <<'NODE'
const { readFileSync } = require("node:fs");
const { gunzipSync, gzipSync } = require("node:zlib");
const [, , folder, skip] = process.argv;
const blob = (digest) => readFileSync(`${folder}/blobs/${digest.replace(":", "/")}`);
const index = JSON.parse(readFileSync(`${folder}/index.json`));
const manifest = JSON.parse(blob(index.manifests[0].digest));
let native = 0;
let added = 0;
for (const { digest } of manifest.layers.slice(Number(skip))) {
  const raw = blob(digest);
  const tar = raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
  const names = [];
  let bytes = 0;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = tar.subarray(at, at + 100).toString().replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.subarray(at + 124, at + 136).toString(), 8);
    if (size > 0) {
      names.push(name);
      bytes += size;
      if (tar.subarray(at + 512, at + 516).toString("latin1") === "\x7fELF" && !name.endsWith("fwatchdog")) native++;
    }
    at += 512 + 512 * Math.ceil(size / 512);
  }
  if (!names.some((name) => name.endsWith("fwatchdog"))) added += bytes;
  console.log(`${bytes} bytes, ${gzipSync(tar, { level: 6 }).length} compressed: ${names.join(" ") || "(nothing)"}`);
}
console.log(`code, weights and hooks together: ${added} bytes; native files among all layers: ${native}`);
if (native > 0 || added > 1_000_000) process.exit(1);
NODE

say "run: read-only, user 12000, 128 MB, half a core"
port=${IMAGE_PORT:-18080}
container=$(podman "${storage[@]}" --runtime runc run --detach "${run_flags[@]}" --env port=$port \
  --env healthcheck_interval=1s $tag)
trap 'podman "${storage[@]}" rm --force --time 1 $container >/dev/null 2>&1 || true' EXIT
for _ in $(seq 100); do
  curl -sf "http://127.0.0.1:$port/_/ready" >/dev/null && break
  sleep 0.1
done
curl -sS "http://127.0.0.1:$port/accuracy"
head -c 3072 /dev/urandom | curl -sS --data-binary @- -H 'Content-Type: application/octet-stream' "http://127.0.0.1:$port/?top=3"
head -c 3073000 /dev/zero | curl -sS --data-binary @- -H 'Content-Type: application/octet-stream' \
  -w 'evaluate: %{http_code} in %{time_total} s\n' -o /dev/null "http://127.0.0.1:$port/evaluate"
podman "${storage[@]}" exec "$container" sh -c 'id; touch /home/app/x 2>&1 || true; find / -xdev -name node_modules -path "/home/*" 2>/dev/null | wc -l'
podman "${storage[@]}" exec "$container" sh -c 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline | grep -q runtime/index.js && grep -E "VmHWM|VmRSS" $p/status; done' || true
say "SIGTERM"
podman "${storage[@]}" kill --signal TERM "$container" >/dev/null
echo "exit code $(podman "${storage[@]}" wait "$container")"
podman "${storage[@]}" logs "$container" 2>&1 | tail -5
