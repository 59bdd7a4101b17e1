#!/usr/bin/env bash
# Builds the images of all services and of the setup job, or of those that are named:
#
#   deploy/images.sh                     all of them
#   deploy/images.sh ticketing setup     these
#
# BUILDER  docker, podman or buildah; the first one that is there
# BASE     the image to start from, instead of the one in the Dockerfile
# PREFIX   what stands before the name of each image: postbus/
# TAG      0.1.0
# BUILD_OPTIONS  more options for the builder, as words
set -euo pipefail
cd "$(dirname "$0")/.."

builder=${BUILDER:-}
for candidate in docker podman buildah; do
  if [ -z "$builder" ] && command -v "$candidate" >/dev/null; then builder=$candidate; fi
done
if [ -z "$builder" ] || ! command -v "$builder" >/dev/null; then
  echo "To build images, docker, podman or buildah is needed; ${builder:-none of them} was found." >&2
  echo "Nothing was installed or changed." >&2
  exit 1
fi

command=(build)
case $(basename "$builder") in buildah) command=(bud) ;; esac
read -r -a options <<<"${BUILD_OPTIONS:-}"
if [ -n "${BASE:-}" ]; then options+=(--build-arg "BASE=$BASE"); fi

if [ $# -eq 0 ]; then
  for file in services/*/pyproject.toml; do set -- "$@" "$(basename "$(dirname "$file")")"; done
  set -- "$@" setup
fi
for service in "$@"; do
  name="${PREFIX-postbus/}$service:${TAG:-0.1.0}"
  echo "== $name"
  "$builder" "${command[@]}" ${options[@]+"${options[@]}"} \
    --build-arg "SERVICE=$service" -f deploy/Dockerfile -t "$name" .
done
