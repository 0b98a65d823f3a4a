#!/usr/bin/env bash
# Throws every file of a folder at the function, held to 128 MB and half a core, with 1, 4 and 16 connections at once, and
# asks for its health every 20 ms meanwhile. Fails on a death, a kill for memory, or a health check that waits over 250 ms.
#   npm run attack [-- FOLDER]      without a folder: 400 pictures of the tests' generator (ATTACK_PICTURES, FUZZ_SEED)
# JPEG and PNG go as such by their first bytes, .json as JSON, .multipart as a form with the boundary "attack".
#   ATTACK_NODES     nodes to run it in, with colons between; default: the one of this machine
#   ATTACK_IN        container: the image in podman, as root, with what image-steps.sh needs (the default where that is there)
#                    group: the bundle alone in a control group made by hand, as root on Linux
#   ATTACK_WATCHDOG  1: the tests' stand-in for the watchdog, a Node of its own, shares the container and its limits
# Where neither way is possible it says so and is skipped.
set -euo pipefail
source "$(dirname "$0")/image-steps.sh"

if [ $# -gt 0 ]; then
  folder=$(cd "${INIT_CWD:-$PWD}" && cd "$1" && pwd)
else
  folder=$work/corpus
  node "$package/scripts/attack/corpus.mjs" "$folder"
fi
runtime=$package/dist/runtime
function=$root/template/cnn-node/function
missing=$(missing_tool)
way=${ATTACK_IN:-$([ -z "$missing" ] && echo container || echo group)}
if [ "$way" = container ] && [ -n "$missing" ]; then
  echo "skipped: $missing"
  exit 0
fi
if [ "$(id -u)" != 0 ] || [ ! -d /sys/fs/cgroup ]; then
  echo "skipped: limits of memory and time need root on Linux with control groups"
  exit 0
fi

failed=0
IFS=: read -ra nodes <<<"${ATTACK_NODES:-node}"
for node in "${nodes[@]}"; do
  version=$("$node" -p process.version)
  if [ "$way" = container ]; then
    tag=localhost/$name:attack-$version
    make_base "$node"
    make_watchdog
    say "image with $version"
    build_image "$tag" "$function" "$runtime" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" && exit 1; }
    how=(--image "$tag" "${run_flags[@]}")
  else
    how=(--node "$node" --runtime "$runtime" --model "$function/model.safetensors")
  fi
  say "attack on $version in a $way"
  node "$package/scripts/attack/main.mjs" "$folder" "${how[@]}" || failed=1
done
exit $failed
