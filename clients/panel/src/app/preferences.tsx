// Language, theme and density of this browser.

import { useLingui } from "@lingui/react/macro";

import { Select } from "../ui/select";
import { speak } from "./language";
import { change, useSettings } from "./settings";

export function Preferences() {
  const { t } = useLingui();
  const { language, theme, density } = useSettings();
  return (
    <div className="preferences">
      <Select
        label={t`Language`}
        value={language}
        names={{ en: "English", de: "Deutsch" }}
        onChange={(language) => {
          void speak(language).then(() => {
            change({ language });
          });
        }}
      />
      <Select
        label={t`Theme`}
        value={theme}
        names={{ system: t`As the system`, light: t`Light`, dark: t`Dark` }}
        onChange={(theme) => {
          change({ theme });
        }}
      />
      <Select
        label={t`Density`}
        value={density}
        names={{ comfortable: t`Comfortable`, compact: t`Compact` }}
        onChange={(density) => {
          change({ density });
        }}
      />
    </div>
  );
}
