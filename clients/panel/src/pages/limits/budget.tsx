// "Spending & Budget": the running cycle at a glance.

import { useState } from "react";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Budget } from "@stubs/budget_service_pb.js";
import { BudgetService } from "@stubs/budget_service_pb.js";
import { BudgetState } from "@stubs/common_pb.js";

import { fromNanos, nanos, useFormat } from "../../app/format";
import { useLive } from "../../app/live";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, Card, ErrorBox, Lock, MoneyText, Skeleton } from "../../ui/base";
import { BoostDialog } from "./boost-dialog";
import { Pace } from "./pace";
import { PlanDialog } from "./plan-dialog";

/** As high as the card is with its figures. */
const HEIGHT = 216;

export function BudgetCard() {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { budget: watched } = useLive();
  // Once, for the case that no stream can be opened.
  const asked = useQuery(BudgetService.method.getBudget, { workspaceId });
  const budget = watched ?? asked.data?.budget;
  const aside = budget && <Period budget={budget} timeZone={timeZone} />;
  return (
    <Card title={<Trans>Spending & Budget</Trans>} aside={aside}>
      {budget ? (
        <Figures budget={budget} />
      ) : asked.error ? (
        <ErrorBox error={asked.error} onRetry={() => void asked.refetch()} />
      ) : (
        <Skeleton lines={4} height={HEIGHT} />
      )}
    </Card>
  );
}

function Period({ budget, timeZone }: { budget: Budget; timeZone: string }) {
  const format = useFormat();
  const { t } = useLingui();
  if (!budget.cycleStartTime || !budget.cycleEndTime) return null;
  const from = timestampDate(budget.cycleStartTime);
  const end = timestampDate(budget.cycleEndTime);
  // The last day that belongs to it.
  const range = format.dateRange(from, new Date(end.getTime() - 1));
  const [reset, days] = [format.date(end), budget.daysLeft];
  return (
    <div className="period">
      <strong role="group" aria-label={t`Billing period`}>
        {range}
      </strong>
      <small>
        <Trans>
          Resets monthly, next on {reset} ({timeZone})
        </Trans>
        {" · "}
        <DaysLeft days={days} />
      </small>
    </div>
  );
}

function DaysLeft({ days }: { days: number }) {
  return days === 1 ? <Trans>last day</Trans> : <Trans>{days} days left</Trans>;
}

function Figures({ budget }: { budget: Budget }) {
  const { t } = useLingui();
  const format = useFormat();
  const { operate } = useAllowed();
  const [dialog, setDialog] = useState<"plan" | "boost" | undefined>();
  const noOverage = nanos(budget.overageLimit?.amount) === 0n;
  const held = nanos(budget.held?.amount) > 0n;
  return (
    <>
      <dl className="figures">
        <div>
          <dt>
            <Trans>Spent in this cycle</Trans>
          </dt>
          <dd className="large">
            <MoneyText money={budget.spent} />
            {held && (
              <small className="muted">
                {" "}
                <Trans>
                  + <MoneyText money={budget.held} /> held
                </Trans>
              </small>
            )}
          </dd>
        </div>
        <Locked title={t`Plan budget`}>
          {budget.planSet ? <MoneyText money={budget.planBudget} /> : t`none`}
        </Locked>
        <Locked title={t`Overage limit`}>
          {noOverage ? t`none` : <MoneyText money={budget.overageLimit} />}
        </Locked>
        <Boosts budget={budget} />
      </dl>
      <Progress budget={budget} />
      <div className="status-row">
        <Status budget={budget} />
        <Pace budget={budget} />
        {operate && (
          <span className="status-actions">
            <Button
              kind="quiet"
              onClick={() => {
                setDialog("plan");
              }}
            >
              {budget.planSet ? <Trans>Change plan</Trans> : <Trans>Set plan</Trans>}
            </Button>
            <Button
              kind="quiet"
              onClick={() => {
                setDialog("boost");
              }}
            >
              <Trans>Add boost</Trans>
            </Button>
          </span>
        )}
      </div>
      {dialog === "plan" && (
        <PlanDialog
          onClose={() => {
            setDialog(undefined);
          }}
        />
      )}
      {dialog === "boost" && (
        <BoostDialog
          currency={budget.spent?.currencyCode ?? ""}
          onClose={() => {
            setDialog(undefined);
          }}
        />
      )}
      <span className="hidden">{format.dateTime(budget.asOfTime)}</span>
    </>
  );
}

function Locked({ title, children }: { title: string; children: React.ReactNode }) {
  const { t } = useLingui();
  const { operate } = useAllowed();
  const why = operate ? t`Set by the plan` : t`Set by your plan; ask your account contact`;
  return (
    <div>
      <dt>
        {title}{" "}
        <span className="lock" title={why}>
          <Lock />
          <span className="hidden">{why}</span>
        </span>
      </dt>
      <dd className="large">{children}</dd>
    </div>
  );
}

function Boosts({ budget }: { budget: Budget }) {
  const { workspaceId } = useThisWorkspace();
  const format = useFormat();
  const inForce = nanos(budget.boost?.amount) > 0n;
  const { data } = useQuery(
    BudgetService.method.listBudgetBoosts,
    { workspaceId },
    { enabled: inForce },
  );
  if (!inForce) return null;
  const boosts = (data?.boosts ?? []).filter(({ active }) => active);
  return (
    <div>
      <dt>
        <Trans>Boosts in force</Trans>
      </dt>
      <dd>
        {boosts.map(({ boostId, amount, endTime, reason }) => {
          const [money, until] = [format.money(amount), format.date(endTime)];
          return (
            <div key={boostId} title={reason}>
              <Trans>
                + {money} until {until}
              </Trans>
            </div>
          );
        })}
        {boosts.length === 0 && <MoneyText money={budget.boost} />}
      </dd>
    </div>
  );
}

function Progress({ budget }: { budget: Budget }) {
  const { t } = useLingui();
  const format = useFormat();
  const currency = budget.spent?.currencyCode ?? "";
  const allowed =
    nanos(budget.planBudget?.amount) +
    nanos(budget.overageLimit?.amount) +
    nanos(budget.boost?.amount);
  const spent = budget.spent?.amount ?? "0";
  const share = format.share(budget.usedShare);
  const ratio = t`${plain(format.amount(spent, currency), currency, format.locale)} of ${format.amount(fromNanos(allowed), currency)}`;
  const width = (part: bigint) =>
    allowed === 0n ? 0 : Math.min(100, Number((part * 10_000n) / allowed) / 100);
  const used = width(nanos(spent));
  const held = Math.min(100 - used, width(nanos(budget.held?.amount)));
  const plan = width(nanos(budget.planBudget?.amount));
  const hasMark = plan > 0 && plan < 100;
  return (
    <div className="progress-block">
      <div
        className={`progress state-${BudgetState[budget.state].toLowerCase()}`}
        role="progressbar"
        aria-label={t`Spent of plan budget, overage and boosts`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(budget.usedShare * 100))}
        aria-valuetext={`${ratio} (${share})`}
      >
        <span className="bar" style={{ width: `${used}%` }} />
        <span className="bar held" style={{ width: `${held}%` }} />
        {hasMark && <span className="mark" style={{ left: `${plan}%` }} title={t`Plan budget`} />}
      </div>
      <div className="progress-text" aria-hidden="true">
        <span className="number">{ratio}</span>
        <span className="hint">
          <Trans>of plan budget, overage and boosts</Trans>
        </span>
        <span className="number">{share}</span>
      </div>
    </div>
  );
}

/** An amount without its currency, which stands behind the other one. */
function plain(text: string, currency: string, locale: string): string {
  const parts = new Intl.NumberFormat(locale, { style: "currency", currency }).formatToParts(0);
  const symbol = parts.find((part) => part.type === "currency")?.value ?? "";
  return text.replace(symbol, "").trim();
}

function Status({ budget }: { budget: Budget }) {
  const format = useFormat();
  const reset = format.date(budget.cycleEndTime);
  switch (budget.state) {
    case BudgetState.NO_PLAN:
      return (
        <p className="status bad" role="status">
          <Trans>No plan yet: requests that cost anything are blocked</Trans>
        </p>
      );
    case BudgetState.WITHIN_PLAN:
      return (
        <p className="status good" role="status">
          <Trans>Within plan budget</Trans>
        </p>
      );
    case BudgetState.IN_OVERAGE: {
      const over = nanos(budget.spent?.amount) - nanos(budget.planBudget?.amount);
      const used = format.amount(fromNanos(over), budget.spent?.currencyCode ?? "");
      const limit = format.money(budget.overageLimit);
      return (
        <p className="status warn" role="status">
          <Trans>
            In overage: {used} of {limit} used
          </Trans>
        </p>
      );
    }
    default:
      return (
        <p className="status bad" role="status">
          <Trans>
            Limit reached: new requests are blocked until {reset}, or until the plan is raised
          </Trans>
        </p>
      );
  }
}
