# What code with the account of an AI node may try to become root, or to end what guards the host. $1 is its own unit.
# Prints "STATUS NAME: WORDS" for each attempt; one with status 0 was not refused.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
own=$1
scratch=$(mktemp -d)

try() { # NAME COMMAND...
  name=$1
  shift
  "$@" >"$scratch/said" 2>&1
  printf '%s %s: %s\n' "$?" "$name" "$(tr '\n' ' ' <"$scratch/said" | cut -c 1-200)"
}
manager() {
  busctl --timeout=10 call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "$@"
}
sc() { systemctl --no-ask-password "$@"; }

for unit in citadel-evil2.service citadel-evil@1.service citadel-iac-evil.service evil.service "$own" citadel-coder.service; do
  try "run as $unit" systemd-run --no-ask-password --unit="$unit" touch "/run/proof-$unit"
done
try 'timer' systemd-run --no-ask-password --unit=citadel-evil3 --on-active=0.1 --timer-property=AccuracySec=100ms touch /run/proof-timer
try 'scope' systemd-run --no-ask-password --scope --unit=citadel-evil4.scope true
try 'auxiliary unit' manager StartTransientUnit 'ssa(sv)a(sa(sv))' "$own" replace 0 1 citadel-evil5.service 1 \
  ExecStart 'a(sasb)' 1 /bin/touch 2 touch /run/proof-aux false
try 'bind mount' manager BindMountUnit sssbb "$own" /home "${RUNTIME_DIRECTORY:-/run}/home" false true
try 'bind mount elsewhere' manager BindMountUnit sssbb citadel-coder.service /home /run/home false true
try 'image mount' manager MountImageUnit 'sssbba(ss)' "$own" /dev/sda1 "${RUNTIME_DIRECTORY:-/run}/image" false true 0
try 'own property' sc set-property --runtime "$own" CPUWeight=100
try 'property' manager SetUnitProperties 'sba(sv)' citadel-coder.service true 1 CPUWeight t 100
try 'kill' sc kill --signal=KILL citadel-coder.service
try 'signal to itself' sc kill --signal=CONT "$own"
try 'clean' sc clean --what=all citadel-coder.service
try 'freeze' sc freeze citadel-coder.service
try 'stop a transaction' sc stop citadel-iac-feed.service
try 'stop its deadline' sc stop citadel-iac-deadman-feed.timer
try 'stop its deadline’s service' sc stop citadel-iac-deadman-feed.service
try 'stop the way back at boot' sc stop citadel-iac-recover.service
try 'disable the way back at boot' sc disable citadel-iac-recover.service
try 'stop the firewall' sc stop nftables.service
try 'restart ssh' sc restart ssh.service
try 'isolate' sc isolate citadel-ai.target
try 'cancel' sc cancel
try 'enable' sc enable citadel-drift.timer
try 'enable by the bus' manager EnableUnitFiles asbb 1 citadel-drift.timer true true
printf '[Service]\nExecStart=/bin/touch /run/proof-link\n' >"$scratch/citadel-link.service"
try 'link' manager LinkUnitFiles asbb 1 "$scratch/citadel-link.service" true true
try 'mask' sc mask citadel-monitor.service
try 'reload the manager' sc daemon-reload
try 'start the manager again' sc daemon-reexec
try 'environment of all units' sc set-environment LD_PRELOAD=/tmp/evil.so
try 'power off' sc poweroff
try 'sudo' sudo -n touch /run/proof-sudo
printf 'end\n'
