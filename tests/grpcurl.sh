#!/usr/bin/env bash
# Does what docs/grpcurl.md says, twice, each time against a server of its own: once with grpcurl and
# once with buf curl. Every command must succeed, and its answer must hold what the page promises
# after "# →". Streams that go on for ever are read until they have answered.
set -euo pipefail
guide=grpcurl
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"

PATH=$root/target/tools/clients/bin:$PATH
command -v grpcurl >/dev/null || { echo 'grpcurl: run tools/clients/generate --install' >&2; exit 1; }

# The page calls buf through npx; here it is the pinned one.
npx() {
    shift 2
    "$buf" "$@"
}
export -f npx
export buf
export TOLLGATE_SMTP_URL=smtp://127.0.0.1:9 TOLLGATE_SMTP_FROM=tollgate@example.com

# The commands of the page, and what is promised of them, but for the two definitions of `call`.
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/docs/grpcurl.md" \
    | grep -v '^call()' >page.txt
[ "$(grep -c '^call ' page.txt)" -ge 80 ] || { echo 'grpcurl: the calls are not found' >&2; exit 1; }

squeeze() {
    tr -d ' \n'
}

# Runs one command in this shell, so that what it defines stays; `answer` is what it printed.
run() {
    local status=0
    case "$1" in
        *Watch*) eval "watch ${1#call }" >answer.txt 2>&1 || status=$? ;;
        *) eval "$1" >answer.txt 2>&1 || status=$? ;;
    esac
    answer=$(cat answer.txt)
    [ "$status" = 0 ] || { printf '%s: %s\n$ %s\n%s\n' "$tool" "$status" "$1" "$answer" >&2; exit 1; }
}

# A stream that the server does not end: read until its first answer is there, within a minute.
watch() {
    local reader status=0
    export -f call
    timeout 60 bash -c 'call "$@"' call "$@" &
    reader=$!
    while kill -0 "$reader" 2>/dev/null && ! grep -q '}' answer.txt; do sleep 0.1; done
    sleep 1
    kill -TERM "$reader" 2>/dev/null || true
    wait "$reader" || status=$?
    # Ended by us, and not by an error of its own.
    [ "$status" = 143 ] || return 1
}

run_page() {
    local line answer='' promised
    while IFS= read -r line; do
        case "$line" in
            '# → '*)
                promised=$(squeeze <<<"${line#\# → }")
                [[ "$(squeeze <<<"$answer")" == *"$promised"* ]] || {
                    printf '%s: no %s in\n%s\n' "$tool" "${line#\# → }" "$answer" >&2
                    exit 1
                }
                promises=$((promises + 1))
                ;;
            ?*)
                run "$line"
                commands=$((commands + 1))
                ;;
        esac
    done <page.txt
}

for tool in grpcurl npx; do
    definition=$(grep "^call() { $tool " "$root/docs/grpcurl.md")
    eval "$definition"
    commands=0 promises=0
    rm -f tollgate.db*
    start
    run_page
    [ "$(wc -l <usage.csv)" -ge 2 ] || { echo 'grpcurl: the export is empty' >&2; exit 1; }
    [ "$(head -c 4 focus.parquet)" = PAR1 ] || { echo 'grpcurl: no Parquet file' >&2; exit 1; }
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
    echo "grpcurl: $commands commands with $tool, $promises answers as promised"
done
