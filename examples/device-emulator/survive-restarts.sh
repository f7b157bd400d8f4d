#!/usr/bin/env bash
# Lets emulated devices live through restarts of a standalone server that keeps nothing but its keys:
#   survive-restarts.sh [DEVICES [RESTARTS [SECONDS BETWEEN]]]
# Every second restart is a kill -9. Fails if in the end a device is not connected, or an application
# not registered or without its latest version. Loopback only. Build both jars first.
set -euo pipefail
devices=${1:-2000}
restarts=${2:-10}
between=${3:-20}
examples=$(cd "$(dirname "$0")/.." && pwd)
port=${SIMPLEPUSH_PORT:-18080}
endpoint_port=${SIMPLEPUSH_ENDPOINT_PORT:-18081}
work=$(mktemp -d)
server=
emulator=

end() {
  for process in $server $emulator; do
    kill "$process" 2> /dev/null || true
  done
  rm -r "$work"
}
trap end EXIT

start_server() {
  : > "$work/ready"
  java -Xmx256m -jar "$examples/standalone-server/target/standalone-server.jar" --port "$port" \
    --endpoint-port "$endpoint_port" --key-file "$work/endpoint.keys" > "$work/ready" &
  server=$!
  for _ in $(seq 300); do
    if grep -q '^ready' "$work/ready"; then
      return
    fi
    sleep 0.1
  done
  echo "The server did not start" >&2
  exit 1
}

start_server
java -Xmx256m -Xss256k -jar "$examples/device-emulator/target/device-emulator.jar" \
  --server "ws://127.0.0.1:$port/" --devices "$devices" --publish 200 --settle 120s \
  --duration $(((restarts + 1) * (between + 3)))s > "$work/emulator" &
emulator=$!
for restart in $(seq "$restarts"); do
  sleep "$between"
  signal=$((restart % 2 == 0 ? 9 : 15))
  kill -$signal "$server"
  wait "$server" || true
  start_server
  echo "restart $restart done, after signal $signal" >&2
done
result=0
wait "$emulator" || result=$?
emulator=
grep -v '^device-' "$work/emulator"
exit $result
