# For scripts that do what a page of the documentation says, against the binary in an empty folder
# and on its usual port (another where TOLLGATE_LISTEN says so). Sourced; needs the page's name in
# `guide`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
buf=${BUF:-$root/tools/node_modules/.bin/buf}
tollgate=$(realpath "${TOLLGATE_TEST_BINARY:-$root/target/release/tollgate}")
[ -x "$buf" ] || { echo "$guide: buf is not at $buf" >&2; exit 1; }
[ -x "$tollgate" ] || { echo "$guide: no binary at $tollgate" >&2; exit 1; }

folder=$(mktemp -d)
server=
others=
cleanup() {
    if [ -n "$server" ]; then kill -9 "$server" 2>/dev/null || true; fi
    for other in $others; do kill "$other" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"

start() {
    "$tollgate" >server.log 2>&1 &
    server=$!
    for _ in $(seq 300); do
        if call WorkspaceService/ListWorkspaces '{}' >/dev/null 2>&1; then return; fi
        kill -0 "$server" 2>/dev/null || { cat server.log >&2; exit 1; }
        sleep 0.1
    done
    echo "$guide: the server does not answer" >&2
    exit 1
}

call() {
    "$buf" curl --protocol grpc --http2-prior-knowledge -H 'tollgate-actor: grace' \
        -d "$2" "http://${TOLLGATE_LISTEN:-127.0.0.1:50051}/tollgate.v1.$1"
}

# Makes every call of a page, in order, and keeps the answers in answers.txt.
make_calls() {
    grep -E '^(call|for n in .* do call) ' "$root/$1" >calls.sh
    [ "$(wc -l <calls.sh)" -ge 10 ] || { echo "$guide: the calls are not found" >&2; exit 1; }
    while IFS= read -r line; do
        echo "\$ $line" | tee -a answers.txt
        eval "$line" | tee -a answers.txt
    done <calls.sh
}
