#!/usr/bin/env bash
# Runs `npx cifar serve` and asks it for everything that it answers, with curl; writes the transcript that
# docs/routes.md holds: scripts/transcript.sh > docs/routes.md
# CIFAR10_DIR names the folder with test_batch.bin, without which the evaluation of all test pictures is left out.
set -uo pipefail
package=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
cp "$package"/test/fixtures/* "$work/"
cd "$work" || exit 1
[ -n "${CIFAR10_DIR:-}" ] && ln -s "$(realpath "$CIFAR10_DIR/test_batch.bin")" test_batch.bin
head -c 3072 /dev/zero | tr '\0' '\200' > planes.bin
(printf '\3'; cat planes.bin; printf '\5'; cat planes.bin) > records.bin

# Settings as words for env; the server is `npx cifar serve`, found in this repository.
start() {
  mkfifo said
  (cd "$package/../.." && exec env "$@" npx cifar serve --port 0 --no-watchdog) >log 2>said &
  server=$!
  read -r line <said
  rm said
  url=${line##* }
  until curl -sf "$url/_/ready" >/dev/null; do sleep 0.1; done
  # npx starts the command by others in between; signals are for the command.
  command=$server
  while child=$(pgrep -P "$command"); do command=$child; done
}
stop() { kill -TERM "$command"; wait "$server"; }

# Shows a command as it is typed and what it prints, long lines cut.
show() {
  printf '$ %s\n' "$1"
  eval "$1" 2>/dev/null | tr -d '\r' | cut -c1-240
  [ "${2:-}" = body ] && echo
}
# The status line and what matters of the headers, then the body.
refused() {
  printf '$ curl -i %s\n' "$1"
  eval "curl -si $1" | tr -d '\r' | grep -iE '^(HTTP|content-type|allow:|accept:|retry-after|\{)' | cut -c1-240
  echo
}
section() { printf '\n## %s\n\n```console\n' "$1"; }
end() { echo '```'; }

cat <<'HEAD'
# Every route, as curl sees it

Written by `packages/faas-handler/scripts/transcript.sh`, which runs `npx cifar serve` and these commands; long lines are
cut. The pictures are drawings in `packages/faas-handler/test/fixtures`; `url` is the address that the server names.
HEAD

start exec_timeout=5m
section "The model"
show 'curl -s $url'
show 'curl -s $url/accuracy'
show 'curl -s -X POST $url | head -c 60' body
show "curl -si -H 'Accept: text/html' \$url | grep -iE '^(HTTP|content-|<!doctype|<title)'"
show 'curl -s $url/_/health'
show 'curl -s $url/_/ready'
end

section "Pictures"
show "curl -s --data-binary @ship.jpeg -H 'Content-Type: image/jpeg' \"\$url/?top=3\""
show "curl -s --data-binary @airplane.png -H 'Content-Type: image/png' \"\$url/?top=3\""
show "curl -s --data-binary @ship.jpeg \"\$url/?top=1\""
show "curl -s -H 'Content-Type: application/json' -d \"{\\\"image\\\":\\\"\$(base64 -w0 ship.jpeg)\\\"}\" \"\$url/?top=1\""
show "curl -s -H 'Content-Type: application/json' -d \"{\\\"images\\\":[\\\"\$(base64 -w0 ship.jpeg)\\\",\\\"\$(base64 -w0 airplane.png)\\\"]}\" \"\$url/?top=1\""
show "curl -s -F image=@ship.jpeg -F image=@automobile.jpeg \"\$url/?top=1\""
show "curl -s --data-binary @planes.bin -H 'Content-Type: application/octet-stream' \"\$url/?top=1\""
show "curl -s --data-binary @records.bin -H 'Content-Type: application/octet-stream' \"\$url/?top=1\""
end

section "Evaluation"
show "curl -s --data-binary @records.bin -H 'Content-Type: application/octet-stream' \$url/evaluate | head -c 80" body
[ -e test_batch.bin ] && show "curl -s -X POST -T test_batch.bin -H 'Content-Type: application/octet-stream' \$url/evaluate"
end

section "Refusals"
refused "-F image=@ship.jpeg \"\$url/?top=none\""
refused "-d '{\"image\":' -H 'Content-Type: application/json' \$url"
refused "\$url/nowhere"
refused "-X PUT \$url"
refused "-H 'Accept: image/png' \$url"
refused "--data-binary @<(head -c 3000000 /dev/zero) -H 'Content-Type: image/png' \$url"
refused "--data-binary @planes.bin \$url"
refused "-X POST -H 'Content-Type: image/jpeg' \$url"
refused "--data-binary @<(head -c 100 ship.jpeg) -H 'Content-Type: image/jpeg' \$url"
show "(head -c 100 ship.jpeg; sleep 1) | curl -si -X POST -T - -H 'X-Timeout: 500ms' \$url | grep -iE '^(HTTP|content-type|\{)'"
end
stop

section "More requests than fit (max_inflight=1)"
start max_inflight=1
printf '$ (head -c 100 ship.jpeg; sleep 2) | curl -s -X POST -T - $url &\n'
(head -c 100 ship.jpeg; sleep 2) | curl -s -o /dev/null -X POST -T - "$url" &
slow=$!
sleep 0.5
refused "--data-binary @ship.jpeg -H 'Content-Type: image/jpeg' \$url"
wait "$slow"
end
stop

section "While it shuts down (healthcheck_interval=2s, after SIGTERM)"
start healthcheck_interval=2s
printf '$ kill -TERM %s\n' "$command"
kill -TERM "$command"
sleep 0.3
refused "\$url/_/ready"
show "curl -s --data-binary @ship.jpeg -H 'Content-Type: image/jpeg' \"\$url/?top=1\""
wait "$server"
printf '$ echo $?\n%s\n' "$?"
end
cd / && rm -r "$work"
