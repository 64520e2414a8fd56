#!/usr/bin/env bash
# Does what docs/security.md says under "First steps with TLS", from an empty folder, twice: with
# grpcurl and with buf curl. Every command must succeed, and its answer must hold what the page
# promises after "# →"; where that is a refusal, the command must fail. No secret may be logged.
#
# Listens on port 50051 of all addresses, or on that of TOLLGATE_TEST_PORT.
set -euo pipefail
guide=tls
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"

PATH=$root/target/tools/clients/bin:$PATH
command -v grpcurl >/dev/null || { echo 'tls: run tools/clients/generate --install' >&2; exit 1; }
command -v openssl >/dev/null || { echo 'tls: install openssl' >&2; exit 1; }

# The page calls buf through npx and the server by its name; here they are those of this tree.
npx() {
    shift 2
    "$buf" "$@"
}
mkdir bin
ln -s "$tollgate" bin/tollgate
PATH=$folder/bin:$PATH

refusals='^(PermissionDenied|Unauthenticated|certificate .*)$'

# The commands of the section, but for the two definitions of `call`.
awk '/^## / { section = $0 ~ /First steps with TLS$/ }
     section && /^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } section && inside' \
    "$root/docs/security.md" | sed "s/50051/${TOLLGATE_TEST_PORT:-50051}/g" >all.txt
grep -v '^call()' all.txt >page.txt
[ "$(grep -c '^call ' page.txt)" -ge 20 ] || { echo 'tls: the calls are not found' >&2; exit 1; }

# As the tools write words: without space, underscores and capitals.
squeeze() {
    tr -d ' \n_' | tr '[:upper:]' '[:lower:]'
}

# Runs one command in this shell; its answer goes to answer.txt.
run() {
    local command=$1 promised=$2 status=0
    # The server, which goes on in the background.
    case "$command" in
        *'&') eval "$command" 2>server.log; server=$!; return ;;
    esac
    eval "$command" >answer.txt 2>&1 || status=$?
    local fails=0
    if [[ "$promised" =~ $refusals ]]; then fails=1; fi
    if [ "$((status != 0))" != "$fails" ] || [[ "$(squeeze <answer.txt)" != *"$(squeeze <<<"$promised")"* ]]; then
        printf '%s: status %s, promised %s\n$ %s\n' "$tool" "$status" "$promised" "$command" >&2
        cat answer.txt >&2
        exit 1
    fi
}

run_page() {
    local line last=''
    while IFS= read -r line; do
        case "$line" in
            '# → '*)
                run "$last" "${line#\# → }"
                last=''
                promises=$((promises + 1))
                ;;
            *)
                if [ -n "$last" ]; then run "$last" ''; fi
                last=$line
                commands=$((commands + 1))
                ;;
        esac
    done <page.txt
    if [ -n "$last" ]; then run "$last" ''; fi
}

for tool in grpcurl npx; do
    mkdir "$folder/$tool"
    cp page.txt "$tool/"
    definition=$(grep '^call() ' all.txt | grep -- "$tool ")
    cd "$folder/$tool"
    eval "$definition"
    commands=0 promises=0
    run_page
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
    [ "$(find . -name '*.secret' -o -name '*.key' -o -name 'tollgate.db*' | xargs stat -c %a | sort -u)" = 600 ] ||
        { echo 'tls: files with secrets can be read by others' >&2; exit 1; }
    grep -q 'tg_[0-9A-Za-z]\{16\}' *.secret || { echo 'tls: there are no secrets' >&2; exit 1; }
    ! grep 'tg_[0-9A-Za-z]\{16\}' server.log >&2 || { echo 'tls: a secret is logged' >&2; exit 1; }
    cd "$folder"
    echo "tls: $commands commands with $tool, $promises answers as promised"
done
