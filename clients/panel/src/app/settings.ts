// What this browser prefers: language, theme, density. Nothing of a workspace is kept here.

import { useSyncExternalStore } from "react";

export type Language = "en" | "de";
export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";

interface Settings {
  language: Language;
  theme: Theme;
  density: Density;
}

const KEY = "tollgate.settings";
const listeners = new Set<() => void>();

function preferred(): Language {
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

function read(): Settings {
  const byDefault: Settings = { language: preferred(), theme: "system", density: "comfortable" };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
    return {
      language:
        kept.language === "de" || kept.language === "en" ? kept.language : byDefault.language,
      theme: kept.theme === "light" || kept.theme === "dark" ? kept.theme : "system",
      density: kept.density === "compact" ? "compact" : "comfortable",
    };
  } catch {
    return byDefault;
  }
}

let settings = read();

export function currentSettings(): Settings {
  return settings;
}

export function change(changes: Partial<Settings>) {
  settings = { ...settings, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  apply();
  for (const listener of listeners) listener();
}

/** Themes are in the style sheet; the document says which. */
export function apply() {
  const { dataset } = document.documentElement;
  dataset.theme = settings.theme;
  dataset.density = settings.density;
  document.documentElement.lang = settings.language;
}

export function useSettings(): Settings {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => settings,
  );
}
