// Language, theme and density of this browser.

import { useLingui } from "@lingui/react/macro";

import { speak } from "./language";
import type { Density, Language, Theme } from "./settings";
import { change, useSettings } from "./settings";

export function Preferences() {
  const { t } = useLingui();
  const { language, theme, density } = useSettings();
  return (
    <div className="preferences">
      <select
        aria-label={t`Language`}
        value={language}
        onChange={(event) => {
          const chosen = event.target.value as Language;
          void speak(chosen).then(() => {
            change({ language: chosen });
          });
        }}
      >
        <option value="en">English</option>
        <option value="de">Deutsch</option>
      </select>
      <select
        aria-label={t`Theme`}
        value={theme}
        onChange={(event) => {
          change({ theme: event.target.value as Theme });
        }}
      >
        <option value="system">{t`As the system`}</option>
        <option value="light">{t`Light`}</option>
        <option value="dark">{t`Dark`}</option>
      </select>
      <select
        aria-label={t`Density`}
        value={density}
        onChange={(event) => {
          change({ density: event.target.value as Density });
        }}
      >
        <option value="comfortable">{t`Comfortable`}</option>
        <option value="compact">{t`Compact`}</option>
      </select>
    </div>
  );
}
