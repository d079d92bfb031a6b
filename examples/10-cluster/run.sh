#!/bin/sh
# Counts the primes up to LIMIT on three workers, and kills one on the way.
#
#     ./run.sh [LIMIT]
#
# All it needs is in a directory of its own, which is removed in the end.
# $GRAFLOW_WASM is the command, graflow-wasm by default.
set -eu
cd "$(dirname "$0")"
command=${GRAFLOW_WASM:-graflow-wasm}
dir=$(mktemp -d)
pids=
clean_up() {
    kill $pids 2>/dev/null || true    # they drain
    wait
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
export GRAFLOW_WASM_NATS="$dir/srv"

# The server takes the tasks of the queue default, which are two.
"$command" server --dir "$dir/srv" --listen-nats 127.0.0.1:0 --name server 2>"$dir/server.log" &
pids=$!
for name in ada bea cyd; do
    "$command" worker --wait --queues primes --concurrency 2 --name $name 2>"$dir/$name.log" &
    pids="$pids $!"
    [ $name = bea ] && victim=$!
done
there() { "$command" workers ls 2>/dev/null; }
tries=0
until [ "$(there | wc -l)" -eq 4 ]; do
    tries=$((tries + 1))
    [ $tries -le 300 ] || { cat "$dir"/*.log >&2; exit 1; }
    sleep 0.1
done
there

echo
"$command" run primes.flow.yaml --set limit="${1:-1000000000}" --id primes --quiet >"$dir/output" &
run=$!
events() { "$command" runs show primes --events 2>/dev/null; }
counted() { events | grep '"type":"completed"' | grep -c '"activation":"count\['; }
until [ "$(counted)" -ge 60 ] || ! kill -0 $run; do sleep 0.02; done
kill -9 $victim
echo "bea is killed, $(counted) ranges are counted"
wait $run
cat "$dir/output"

echo
events >"$dir/events"
of() { grep "\"type\":\"$1\"" "$dir/events" | grep -o '"count\[[0-9]*\]"' | tr -d '"' | sort; }
echo "ranges that count: $(of completed | uniq | wc -l)"
echo "committed twice:   $(of completed | uniq -d | wc -l)"
echo "begun elsewhere:  " $(of begun)
for name in ada bea cyd; do
    echo "counted by $name:    $(grep '"type":"completed"' "$dir/events" | grep '"activation":"count\[' | grep -c "\"worker\":\"$name\"" || true)"
done
echo
there
