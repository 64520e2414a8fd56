#!/usr/bin/env bash
# Scores what the server forecasts with on series of other people, half of which nothing was fitted
# on: 1 is the ensemble of statsforecast, less is better. Needs the program `insight` of the
# benches and the series with their scorer.
set -euo pipefail

# The program of the benches scores 0.725; the pool of simple members that it began as 0.822.
FORECAST_SCORE_MAX=0.76

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=${TOLLGATE_TEST_DATA:-$root/../shared/data}/insight
insight=$(realpath "${TOLLGATE_TEST_INSIGHT:-$root/target/debug/insight}")
if [ ! -f "$data/score_forecast.py" ]; then
    echo "NOT RUN: the scores of forecasts: no series at $data" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$insight" forecast "$data/forecast_windows.jsonl" "$folder/forecasts.jsonl"
python3 "$data/score_forecast.py" "$folder/forecasts.jsonl" | tee "$folder/forecast.txt"
score=$(awk '$1 == "SCORE" { print $2 }' "$folder/forecast.txt")
awk -v score="$score" -v max="$FORECAST_SCORE_MAX" 'BEGIN { exit !(score > 0 && score <= max) }' || {
    echo "insight: forecasts score ${score:-nothing}, expected at most $FORECAST_SCORE_MAX" >&2
    exit 1
}
