#!/usr/bin/env bash
# Install Lilac from this checkout: an environment of its own, and nothing else, unless you ask for more.
#
#   deploy/install.sh                      for you: ~/.local/share/lilac, and the command in ~/.local/bin
#   deploy/install.sh --system --agent     for the machine: /opt/lilac, a user, and the agent as a systemd service
#   deploy/install.sh --system --server    the same with the control plane (both flags may be given)
#   deploy/install.sh --dry-run …          say what would be done, change nothing
#   deploy/install.sh --uninstall …        remove what an installation with the same flags made
#
# It says what it will do and asks before it does it (--yes does not ask). Only --system changes anything outside of your
# home, and only then it runs commands as root: each is shown, with sudo in front where you are not root. Running it again
# brings an installation up to date. Python packages come from the index that pip is configured for, each checked against
# the hash in requirements.lock.
set -euo pipefail

usage() { sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "$0"; }
fail() { echo "install.sh: $*" >&2; exit 1; }

system='' agent='' server='' dry='' uninstall='' purge='' yes='' prefix='' bin='' python=${PYTHON:-}
while [ $# -gt 0 ]; do
  case $1 in
    --system) system=1 ;;
    --agent) agent=1 ;;
    --server) server=1 ;;
    --dry-run) dry=1 ;;
    --uninstall) uninstall=1 ;;
    --purge) purge=1 ;;
    --yes | -y) yes=1 ;;
    --prefix) prefix=${2:?--prefix needs a directory}; shift ;;
    --bin) bin=${2:?--bin needs a directory}; shift ;;
    --python) python=${2:?--python needs a program}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown flag $1; --help lists them" ;;
  esac
  shift
done
source_dir=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -f "$source_dir/requirements.lock" ] || [ ! -d "$source_dir/src/lilac" ]; then
  fail "this script belongs into a checkout of Lilac, and installs that"
fi
if [ -n "$agent$server" ] && [ -z "$system" ]; then
  fail "--agent and --server set up services of the machine: give --system too"
fi
[ -z "$purge" ] || [ -n "$uninstall" ] || fail "--purge goes with --uninstall"
if [ -n "$system" ]; then
  prefix=${prefix:-/opt/lilac} bin=${bin:-/usr/local/bin}
  if [ "$prefix" != /opt/lilac ] && [ -n "$agent$server" ]; then fail "the services expect /opt/lilac: leave out --prefix"; fi
else
  prefix=${prefix:-$HOME/.local/share/lilac} bin=${bin:-$HOME/.local/bin}
fi
units=${LILAC_UNIT_DIR:-/etc/systemd/system}

services() {
  [ -z "$agent" ] || echo lilac-agent.service
  [ -z "$server" ] || echo lilac-server.service
}

installed_services() {
  local unit
  for unit in lilac-agent.service lilac-server.service; do [ ! -e "$units/$unit" ] || echo "$unit"; done
}

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

# Python 3.11 or newer; for services one that other users can read as well, so none out of somebody's home.
find_python() {
  local name check='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
  [ -z "$agent$server" ] || check="import sys; sys.base_prefix.startswith(('/root', '/home')) and sys.exit(1); $check"
  for name in ${python:-python3.14 python3.13 python3.12 python3.11 python3 /usr/bin/python3}; do
    if "$name" -c "$check" >/dev/null 2>&1; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# Shows a command, and runs it unless --dry-run; as root where --system asks for that.
run() {
  local words=("$@")
  if [ -n "$system" ] && [ "$(id -u)" != 0 ]; then words=(sudo "${words[@]}"); fi
  printf '  +'
  printf ' %q' "${words[@]}"
  printf '\n'
  [ -n "$dry" ] || "${words[@]}"
}

confirm() {
  if [ -n "$dry" ]; then echo "Dry run: nothing is changed."; return; fi
  [ -z "$yes" ] || return 0
  [ -t 0 ] || fail "there is no terminal to ask on: look at --dry-run, then give --yes"
  local answer
  read -r -p "Go ahead? [y/N] " answer
  case $answer in y | Y | yes) ;; *) echo "Nothing was changed."; exit 0 ;; esac
}

install() {
  local interpreter unit
  interpreter=$(find_python) || fail "Python 3.11 or newer with the module venv is needed (on Debian: apt-get install \
python3 python3-venv); --python names one that is not on the PATH"
  echo "Lilac will be installed:"
  echo "  from      $source_dir"
  echo "  into      $prefix  (with $("$interpreter" --version), packages by the hashes of requirements.lock)"
  echo "  command   $bin/lilac"
  if [ -n "$system" ]; then
    [ -z "$agent$server" ] || echo "  user      lilac (a system user, in the group docker if there is one)"
    for unit in $(services); do echo "  service   $units/$unit"; done
    [ -z "$agent$server" ] || echo "  settings  /etc/lilac (kept if it is there)"
  fi
  confirm
  # A path in a virtual environment is fixed, so it is made in place; one for another Python is made anew.
  if ! "$prefix/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    if [ -e "$prefix" ] && [ ! -e "$prefix/pyvenv.cfg" ] && [ -n "$(ls -A "$prefix")" ]; then
      fail "$prefix holds something else than an installation of Lilac; it is left alone"
    fi
    run "$interpreter" -m venv --clear "$prefix"
  fi
  run "$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    -r "$source_dir/requirements.lock"
  run "$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --force-reinstall "$source_dir"
  run mkdir -p "$bin"
  run ln -sfn "$prefix/bin/lilac" "$bin/lilac"
  [ -z "$agent$server" ] || install_services
  [ -n "$dry" ] || "$prefix/bin/lilac" --version
  next_steps
}

install_services() {
  local unit
  if ! id lilac >/dev/null 2>&1; then
    run useradd --system --home-dir /var/lib/lilac --no-create-home --shell /usr/sbin/nologin --user-group lilac
  fi
  if getent group docker >/dev/null && ! id -nG lilac 2>/dev/null | grep -qw docker; then
    run usermod -aG docker lilac
  fi
  run mkdir -p /etc/lilac "$units"
  run chown root:lilac /etc/lilac
  run chmod 750 /etc/lilac
  for unit in $(services); do run cp "$source_dir/deploy/systemd/$unit" "$units/$unit"; done
  if has_systemd; then
    run systemctl daemon-reload
    for unit in $(services); do
      run systemctl enable "$unit"
      # A fresh node has no settings yet; started without them it would only fail.
      if [ "$unit" != lilac-agent.service ] || [ -e /etc/lilac/agent.toml ]; then run systemctl restart "$unit"; fi
    done
  else
    echo "systemd does not run here: the units are in place and not started."
  fi
}

next_steps() {
  echo
  if [ -n "$agent" ] && [ ! -e /etc/lilac/agent.toml ]; then
    echo "Next: write /etc/lilac/agent.toml (docs/how-to/systemd.md shows one), then: systemctl start lilac-agent"
  elif [ -n "$server" ]; then
    echo "Next: journalctl -u lilac-server shows the administrator's password, once."
  else
    case ":$PATH:" in
      *":$bin:"*) echo "Next: lilac --help" ;;
      *) echo "Next: put $bin on your PATH, then: lilac --help" ;;
    esac
  fi
}

uninstall() {
  local unit found
  found=$([ -z "$system" ] || installed_services)
  echo "Lilac will be removed:"
  echo "  $prefix"
  echo "  $bin/lilac"
  for unit in $found; do echo "  $units/$unit (stopped first)"; done
  if [ -n "$purge" ] && [ -n "$system" ]; then
    echo "  /etc/lilac, /var/lib/lilac, /var/lib/lilac-server and the user lilac: with all settings and all state"
  else
    echo "Settings and state stay."
  fi
  confirm
  for unit in $found; do
    if has_systemd; then run systemctl disable --now "$unit"; fi
    run rm -f "$units/$unit"
  done
  if [ -n "$found" ] && has_systemd; then run systemctl daemon-reload; fi
  if [ "$(readlink "$bin/lilac" 2>/dev/null)" = "$prefix/bin/lilac" ]; then run rm -f "$bin/lilac"; fi
  if [ -e "$prefix/pyvenv.cfg" ]; then run rm -rf "$prefix"; fi
  if [ -n "$purge" ] && [ -n "$system" ]; then
    run rm -rf /etc/lilac /var/lib/lilac /var/lib/lilac-server
    if id lilac >/dev/null 2>&1; then run userdel lilac; fi
  fi
  echo "Done."
}

if [ -n "$uninstall" ]; then uninstall; else install; fi
