#!/usr/bin/env bash
# Builds the container image without a Docker engine and runs it: buildah in a chroot, on a base image that debootstrap makes
# and that bears the real one's name, so that nothing is pulled. Needs root, buildah, debootstrap and dist/netlab-linux-x64.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in buildah debootstrap; do
  if ! command -v "$tool" >/dev/null; then
    echo "container: not checked, $tool is not installed"
    exit 0
  fi
done
if [ "$(id -u)" != 0 ]; then
  echo 'container: not checked, debootstrap needs root'
  exit 0
fi
if [ ! -x dist/netlab-linux-x64 ]; then
  status=0
  npm run package -- linux-x64 || status=$?
  if [ "$status" = 69 ]; then
    echo 'container: not checked, no binary for it can be made here'
    exit 0
  fi
  [ "$status" = 0 ] || exit "$status"
fi

base=debian:stable-slim
work=$(mktemp -d)
cleanup() {
  [ -z "${container:-}" ] || buildah rm "$container" >/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  debootstrap --variant=minbase "${SUITE:-stable}" "$work/root" >"$work/log" 2>&1 || {
    tail -n 1 "$work/log"
    echo 'container: not checked, debootstrap got no Debian here'
    exit 0
  }
  container=$(buildah from --pull-never scratch)
  buildah add --quiet "$container" "$work/root" / >/dev/null
  buildah commit --quiet "$container" "$base" >/dev/null
  buildah rm "$container" >/dev/null
  container=
fi

buildah bud --quiet --format docker --isolation chroot --pull-never --tag netlab . >/dev/null
container=$(buildah from --pull-never netlab)
run() { buildah run --isolation chroot "$container" -- "$@"; }

run netlab --version
user=$(run id -u)
[ "$user" != 0 ] || { echo 'container: it runs as root' >&2; exit 1; }

# A server as `docker run netlab serve auth --port 9090` starts it, the health check, and its end.
health=$(buildah inspect --format '{{index .Docker.ContainerConfig.Healthcheck.Test 1}}' "$container")
output=$(run sh -c "
  netlab serve auth --port 9090 --no-console > /tmp/line & server=\$!
  until grep -q listening /tmp/line; do kill -0 \$server; done
  $health && echo healthy
  kill \$server && wait \$server && echo stopped
  cat /tmp/line; ls /data")
echo "$output"
for word in healthy stopped 'auth: listening on' logs; do
  grep -q "$word" <<<"$output" || { echo "container: no \"$word\"" >&2; exit 1; }
done
size=$(buildah images --format '{{.Size}}' netlab)
echo "container: image of $size, user $user, healthy, stopped with 0"
