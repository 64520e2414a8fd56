#!/usr/bin/env bash
# Does what docs/analytics.md says, as a new administrator would: generates the months, serves them,
# makes every call of the chapter with buf curl and every export from the command line, and looks
# whether the answers and the files agree with each other.
set -euo pipefail
guide=analytics
source "$(dirname "${BASH_SOURCE[0]}")/support/guide.sh"
chapter=$root/docs/analytics.md

# The generator, as the chapter calls it.
generate=$(grep -m1 -E '^cargo run --release -- generate ' "$chapter")
eval "\"$tollgate\" ${generate#cargo run --release -- }"

export TOLLGATE_DATABASE=sqlite:month.db
start
make_calls docs/analytics.md

# The exports, beside the running server.
tollgate() { "$tollgate" "$@"; }
grep -E '^tollgate export ' "$chapter" >exports.sh
[ "$(wc -l <exports.sh)" -ge 5 ] || { echo "analytics: the exports are not found" >&2; exit 1; }
while IFS= read -r line; do
    echo "\$ $line"
    eval "$line"
done <exports.sh

python3 - answers.txt <<'PYTHON'
import csv, decimal, json, re, sys

decimal.getcontext().prec = 60
decoder = json.JSONDecoder()
answers = {}
for block in re.split(r"^\$ ", open(sys.argv[1]).read(), flags=re.M)[1:]:
    line, _, rest = block.partition("\n")
    method = line.split()[1].partition("/")[2]
    answer, end = decoder.raw_decode(rest.strip())
    assert not rest.strip()[end:], rest
    answers.setdefault(method, []).append((line, answer))

amount = lambda money: decimal.Decimal(money["amount"])
first = lambda method: answers[method][0][1]

# The five key figures, and the period before.
overview = first("GetOverview")["overview"]
for figure in ["totalUsers", "activeUsers", "tokens", "workflows", "assistants", "requests"]:
    assert int(overview[figure]["value"]) > 0, (figure, overview)
for figure in ["activeUsers", "tokens", "requests"]:
    assert int(overview[figure]["previous"]) > 0, (figure, overview)
assert int(overview["activeUsers"]["value"]) < int(overview["totalUsers"]["value"]), overview
assert int(overview["blocked"]["value"]) > 0 and int(overview["routed"]["value"]) > 0, overview
spend, requests = amount(overview["spend"]["value"]), int(overview["requests"]["value"])
tokens = int(overview["tokens"]["value"])
week = answers["GetOverview"][1][1]["overview"]
assert 0 < int(week["requests"]["value"]) < requests, week

# The four charts.
weeks = first("GetActiveUsers")
assert len(weeks["points"]) in (5, 6), weeks
assert weeks["total"] == overview["activeUsers"]["value"], weeks
teams = first("GetTokenUsageByTeam")["teams"]
assert sum(int(team["tokenCount"]) for team in teams) == tokens, teams
assert any(team["displayName"] == "No department" for team in teams), teams
for method, name in [("GetTopWorkflows", "workflows"), ("GetTopAssistants", "assistants")]:
    ranked = first(method)[name]
    counts = [int(place["tokenCount"]) for place in ranked]
    assert len(ranked) == 5 and counts == sorted(counts, reverse=True), ranked
value = first("GetTimeToFirstValue")["timeToFirstValue"]
assert sum(int(bucket.get("userCount", 0)) for bucket in value["buckets"]) == int(value["userCount"])
never = int(value["userCount"]) - int(value["reachedCount"])
assert never > 0 and "median" in value, value
assert len(first("ListNeverActiveUsers")["users"]) == min(5, never)

# The page agrees with its parts.
page = first("GetDashboard")
assert page["overview"] == overview, page["overview"]
assert page["topWorkflows"] == first("GetTopWorkflows")["workflows"]
assert page["timeToFirstValue"] == value

# Now: the month began at most 31 days ago, so it has cost something unless it began today.
live = first("GetLiveMetrics")["metrics"]
assert amount(live["monthToDate"]["cost"]) >= 0 and "envelope" in live, live

# Any question.
by_model, by_both, shared, refused = [answer for _, answer in answers["QueryUsage"]]
assert amount(by_model["total"]["values"]["cost"]) == spend, by_model["total"]
assert sum(amount(group["values"]["cost"]) for group in by_model["groups"]) == spend
assert by_model["groups"][-1]["others"] and len(by_model["groups"]) == 4, by_model
assert "latencyP95" in by_model["total"]["values"], by_model["total"]
assert by_both["total"]["points"], by_both
assert amount(shared["total"]["values"]["costPerUser"]) > 0, shared
limits = {group["keys"][0]["value"] for group in refused["groups"] if not group.get("others")}
assert limits, refused

# The files.
def rows(name):
    with open(name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

cost = lambda rows, column: sum(decimal.Decimal(row[column]) for row in rows)
period = first("GetOverview")["period"]
chargeback = rows("chargeback.csv")
assert cost(chargeback, "BilledCost") == spend, (cost(chargeback, "BilledCost"), spend)
records = rows("records.csv")
cost_column = next(name for name in records[0] if name in ("cost", "cost_amount"))
assert cost(records, cost_column) == spend
assert open("chargeback.parquet", "rb").read(4) == b"PAR1"
assert len(rows("teams.csv")) == len(teams)
assert rows("projects.csv")

# People.
entries = first("ListEntries")["entries"]
assert any(entry["id"] == "research" or entry.get("firstUseTime") for entry in entries), entries
assert first("EraseUser")["pseudonym"].startswith("erased-")
print("analytics: the page, the charts and the files agree; spend", spend)
PYTHON

kill -TERM "$server"
wait "$server"
server=
"$tollgate" verify
echo "analytics: every call and export of the chapter works"
