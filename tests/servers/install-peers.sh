#!/usr/bin/env bash
# Installs the mail servers, the name server and the browser that tests speak with, where that is ours to do: as root, with apt-get.
# Elsewhere it says what is missing, and tests/servers/debian.py skips the tests that need it.
# It always ends well: without a network the other tests are still worth running.
set -uo pipefail
PATH="$PATH:/usr/sbin:/sbin"
lacking=()
for pair in dovecot:dovecot-imapd postfix:postfix dnsmasq:dnsmasq-base; do
  [ -x "/usr/sbin/${pair%%:*}" ] || lacking+=("${pair##*:}")
done
[ -x /usr/bin/chromium ] || lacking+=(chromium)
[ "${#lacking[@]}" -eq 0 ] && exit 0

give_up() {
  printf '\n  !!  %s\n  !!  Tests that need %s are SKIPPED; see the end of the report.\n\n' \
    "$1" "${lacking[*]}" >&2
  exit 0
}
command -v apt-get >/dev/null || give_up "Not installed, and there is no apt-get here."
[ "$(id -u)" -eq 0 ] || give_up "Not installed: run 'sudo apt-get install ${lacking[*]}'."

# Packages start their servers unless policy-rc.d forbids it (Debian policy §9.3.3; 101: forbidden).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
echo "Installing ${lacking[*]} for the tests …"
log="$(mktemp)"
if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes \
  -o DPkg::Lock::Timeout=120 --no-install-recommends install "${lacking[@]}"; } \
  >"$log" 2>&1 </dev/null; then
  tail -5 "$log" >&2
  give_up "apt-get could not install them; its words are above and in $log."
fi
rm -f "$log"
