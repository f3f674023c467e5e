#!/usr/bin/env bash
# Build the universal agent's image: deploy/agent/build.sh [NAME] [further words for docker build]
#
# Python packages are fetched here, from whatever index pip is configured for on this machine, and checked against the
# lock file; the build itself then needs only the mirror of Debian that the base image names.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:-lilac-agent}
shift || true
wheels=deploy/agent/wheels
python=${PYTHON:-python3}
for pip in ".venv/bin/python -m pip" "$python -m pip"; do
  # shellcheck disable=SC2086 # several words are meant
  if $pip --version >/dev/null 2>&1; then break; fi
done
mkdir -p "$wheels"
trap 'rm -rf "$wheels"' EXIT
case $(uname -m) in aarch64 | arm64) machine=aarch64 ;; *) machine=x86_64 ;; esac
platforms=()
for libc in manylinux_2_36 manylinux_2_34 manylinux_2_31 manylinux_2_28 manylinux_2_27 manylinux_2_26 manylinux_2_24 \
  manylinux_2_17 manylinux2014 manylinux_2_12 manylinux2010 manylinux_2_5 manylinux1; do
  platforms+=(--platform "${libc}_$machine")
done
echo "Fetching the packages of requirements.lock"
$pip download --quiet --disable-pip-version-check --require-hashes --only-binary :all: --python-version 3.11 \
  --implementation cp --abi cp311 --abi abi3 --abi none "${platforms[@]}" -d "$wheels" -r requirements.lock
docker build -f deploy/agent/Dockerfile -t "$name" "$@" .
