#!/usr/bin/env bash
# Starts the container's own Docker engine, then the agent; ends both in order when it is asked to.
#
# With DOCKER_HOST set, or an engine's socket mounted at /var/run/docker.sock, no engine is started: the agent uses that
# one. Everything after the image's name on `docker run` is passed on to `lilac agent start`.
#
# On SIGTERM the agent goes first: it tells what it can and leaves its jobs running. Then the engine is stopped, which
# asks the jobs' containers to end. They could not outlive this container; the agent reports them as ended by their
# engine when it is back (with the same volume at /var/lib/lilac), and they are tried again.
#
#   LILAC_ENGINE_STORAGE   the engine's storage driver (chosen by what works: overlay2, else vfs)
#   LILAC_ENGINE_ARGS      further words for dockerd
#   LILAC_ENGINE_WAIT_S    how long it may take to answer (60)
set -uo pipefail

SOCKET=/var/run/docker.sock
DATA=${LILAC_ENGINE_DATA:-/var/lib/docker}
LOG=${LILAC_ENGINE_LOG:-/var/log/dockerd.log}
WAIT_S=${LILAC_ENGINE_WAIT_S:-60}
engine=
agent=
asked=

say() { echo "lilac-agent: $*" >&2; }

answers() { docker -H "unix://$SOCKET" version >/dev/null 2>&1; }

# In a container /sys/fs/cgroup may be mounted read-only although writing is allowed.
open_cgroups() {
  local mount
  for mount in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if mountpoint -q "$mount" && [ ! -w "$mount" ]; then mount -o remount,rw,bind "$mount" 2>/dev/null || true; fi
  done
  # Version 2: controllers can be handed on only by a group that holds no process itself.
  if [ -f /sys/fs/cgroup/cgroup.controllers ] && mkdir -p /sys/fs/cgroup/lilac-init 2>/dev/null; then
    local pid
    while read -r pid; do
      echo "$pid" >/sys/fs/cgroup/lilac-init/cgroup.procs 2>/dev/null || true
    done </sys/fs/cgroup/cgroup.procs
    sed 's/\([a-z_0-9]*\)/+\1/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
  fi
}

# overlay2 needs a file system below that is not an overlay itself; a volume is one, the container's own is not.
storage() {
  local try=$DATA/.lilac-overlay works=vfs
  mkdir -p "$try"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work" "$try/merged" 2>/dev/null; then
    umount "$try/merged"
    works=overlay2
  fi
  rm -rf "$try"
  echo "$works"
}

start_engine() {
  local driver pid_file
  # Of an engine that this container had before it was started again: its pid means nothing now.
  for pid_file in /var/run/docker.pid /run/docker.pid /run/docker/containerd/containerd.pid; do rm -f "$pid_file"; done
  rm -f "$SOCKET"
  mkdir -p "$DATA" "$(dirname "$LOG")"
  open_cgroups
  driver=${LILAC_ENGINE_STORAGE:-$(storage)}
  [ "$driver" != vfs ] || say "overlay2 does not work on $DATA, so images take much more disk (vfs): mount a volume there"
  # shellcheck disable=SC2086 # several words are meant
  dockerd --host "unix://$SOCKET" --data-root "$DATA" --storage-driver "$driver" ${LILAC_ENGINE_ARGS:-} >"$LOG" 2>&1 &
  engine=$!
  local deadline=$((SECONDS + WAIT_S))
  until answers; do
    if ! kill -0 "$engine" 2>/dev/null || [ $SECONDS -ge $deadline ] || [ -n "$asked" ]; then
      if [ -z "$asked" ]; then
        say "the Docker engine did not start; its last words:"
        tail -n 5 "$LOG" >&2
        say "run the container with --privileged, or see docs/how-to/agent-in-a-container.md for less than that"
      fi
      return 1
    fi
    sleep 0.1
  done
  say "the Docker engine answers ($driver)"
}

end() { # end PID SECONDS: ask it, wait, then insist
  local pid=$1 deadline=$((SECONDS + $2))
  [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
  kill -KILL "$pid" 2>/dev/null || true
}

trap 'asked=1; [ -z "$agent" ] || kill -TERM "$agent" 2>/dev/null' TERM INT

if [ -n "${DOCKER_HOST:-}" ]; then
  say "uses the engine at $DOCKER_HOST"
elif [ -S "$SOCKET" ] && answers; then
  say "uses the engine whose socket is mounted at $SOCKET"
elif [ $$ != 1 ] && [ ! -e /.dockerenv ]; then
  say "this starts a Docker engine and belongs into a container; set DOCKER_HOST to use one that is there"
  exit 1
else
  if ! start_engine; then
    end "$engine" 20
    [ -n "$asked" ] && exit 0
    exit 1
  fi
fi

status=0
if [ -z "$asked" ]; then
  lilac agent start "$@" &
  agent=$!
  if [ -n "$engine" ]; then
    # Whichever ends first ends both; a signal interrupts the wait, and then the agent is waited for.
    wait -n "$agent" "$engine"
    status=$?
    if [ -z "$asked" ] && kill -0 "$agent" 2>/dev/null; then
      say "the Docker engine ended by itself; its last words:"
      tail -n 5 "$LOG" >&2
      status=1
    fi
  else
    wait "$agent"
    status=$?
  fi
  if [ -n "$asked" ]; then
    wait "$agent"
    status=$?
  else
    end "$agent" 15
  fi
fi
# What the containers do from now on is the engine's doing, and the next agent is to know that.
[ -z "$engine" ] || date +%s.%N >"${LILAC_AGENT_STATE_DIR:-/var/lib/lilac/agent}/engine_ended" 2>/dev/null
end "$engine" 30
exit "$status"
