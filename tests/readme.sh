#!/usr/bin/env bash
# Does what README.md says, as a new user would: starts the binary without any configuration, makes
# every call that stands there with buf curl, replays the trace, kills the server in the middle,
# starts it again and verifies. Needs the release binary, buf (BUF) and the trace (TRACE).
set -euo pipefail

guide=readme
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"
trace=${TRACE:-${TOLLGATE_TEST_DATA:-$root/../shared/data}/azure_llm_conv.csv}
if [ ! -f "$trace" ]; then
    echo "NOT RUN: the README's calls and tour: no trace at $trace" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi

# Every call of the README, in order.
start
grep -q "buf curl" server.log || { echo "readme: no hint at the first start" >&2; cat server.log >&2; exit 1; }
make_calls README.md
for expected in DECISION_ALLOWED DECISION_ROUTED gpt-4.1-mini '"cycleSpent"'; do
    grep -q -- "$expected" answers.txt || { echo "readme: no $expected in the answers" >&2; exit 1; }
done

# The tour, with a kill -9 in the middle: the replay reports its failed calls and ends.
"$tollgate" replay "$trace" --workspace acme --model gpt-4.1 --max-output-tokens 1000 >first.txt 2>&1 &
replay=$!
sleep 0.5
kill -9 "$server"
wait "$server" 2>/dev/null || true
wait "$replay" && { echo "readme: the replay did not notice the kill" >&2; cat first.txt >&2; exit 1; }
start
"$tollgate" verify
"$tollgate" replay "$trace" --workspace acme --model gpt-4.1 --max-output-tokens 1000
call BudgetService/GetBudget '{"workspace_id": "acme"}' | tee budget.json
"$tollgate" verify

# The budget was kept and the cap led to the cheaper model.
python3 - budget.json <<'PYTHON'
import decimal, json, sys
budget = json.load(open(sys.argv[1]))["budget"]
amount = lambda money: decimal.Decimal(money["amount"])
spent = amount(budget["spent"])
by_model = {row["modelId"]: amount(row["spent"]) for row in budget["spendByModel"]}
assert spent == sum(by_model.values()), (spent, by_model)
assert spent <= amount(budget["planBudget"]) + amount(budget["overageLimit"])
assert by_model["gpt-4.1"] <= 20, by_model
assert by_model["gpt-4.1-mini"] > 0, by_model
print("the tour kept its budget:", spent, by_model)
PYTHON

kill -TERM "$server"
wait "$server"
server=
"$tollgate" verify
echo "readme: every call and the tour work"
