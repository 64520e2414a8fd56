// The texts of the page; those of one language are loaded.

import { i18n } from "@lingui/core";
import type { Messages } from "@lingui/core";

import type { Language } from "./settings";

const CATALOGS: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import("../locales/en.po"),
  de: () => import("../locales/de.po"),
};

export async function speak(language: Language) {
  const { messages } = await CATALOGS[language]();
  i18n.loadAndActivate({ locale: language, messages });
}
