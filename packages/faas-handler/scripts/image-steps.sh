# Steps that image.sh and attack.sh share; to be sourced. Where the image is built and run without Docker, a registry or a
# cluster: with Debian's buildah, podman, runc, debootstrap and uidmap, as root. The base images are made here under the
# names that the Dockerfile asks for: Debian with a node of this machine in place of Alpine's, the tests' stand-in in place
# of the watchdog.

package=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$package/../.." && pwd)
work=${IMAGE_WORK:-$(mktemp -d)}
name=image-classifier
storage=(--storage-driver overlay)
base=docker.io/library/node:22-alpine

say() { printf '\n== %s\n' "$*"; }

# Names the first tool that is missing; nothing where all are there.
missing_tool() {
  local tool
  for tool in buildah podman runc debootstrap; do
    command -v "$tool" >/dev/null || {
      echo "$tool is not installed (Debian: buildah podman runc debootstrap uidmap)"
      return
    }
  done
}

# make_base NODE: gives the Dockerfile's base image that node.
make_base() {
  local node version own
  node=$(readlink -f "$(command -v "$1")")
  version=$("$node" -p process.version)
  own=localhost/node-base:$version
  if ! podman "${storage[@]}" image exists "$own"; then
    say "base image: Debian with $version"
    if [ ! -d "$work/rootfs" ]; then
      debootstrap --variant=minbase bookworm "$work/rootfs" http://deb.debian.org/debian >/dev/null
    fi
    install -D "$node" "$work/rootfs/usr/local/bin/node"
    tar -C "$work/rootfs" -c . | podman "${storage[@]}" import - "$own" >/dev/null
  fi
  podman "${storage[@]}" tag "$own" $base
}

make_watchdog() {
  local watchdog=ghcr.io/openfaas/of-watchdog:0.11.6
  if ! podman "${storage[@]}" image exists $watchdog; then
    say "watchdog: the stand-in of the tests"
    mkdir -p "$work/watchdog"
    install -m 755 "$package/test/support/fwatchdog.mjs" "$work/watchdog/fwatchdog"
    tar -C "$work/watchdog" -c . | podman "${storage[@]}" import - $watchdog >/dev/null
  fi
}

# build_image TAG FUNCTION RUNTIME: as faas-cli lays it out, with the program of that folder.
build_image() {
  local build=$work/build/$name
  rm -rf "$build" && mkdir -p "$build"
  cp -a "$root/template/cnn-node/." "$build/"
  rm -rf "$build/runtime" && cp -a "$3" "$build/runtime"
  cp -a "$2/." "$build/function/"
  buildah "${storage[@]}" bud --isolation chroot --pull-never --layers --format docker -t "$1" "$build"
}

# How a container is run here: as in a cluster, held to 128 MB and half a core.
run_flags=(--network host --no-healthcheck --cgroups=no-conmon --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024
  --read-only --tmpfs /tmp --user 12000 --memory 128m --cpus 0.5)
