// The panel begins: language, then the page.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { TransportProvider } from "@connectrpc/connect-query";
import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClientProvider } from "@tanstack/react-query";

import { App } from "./app/app";
import { queries, transport } from "./app/api";
import { speak } from "./app/language";
import { touch } from "./app/session";
import { apply, currentSettings } from "./app/settings";
import "./styles.css";

apply();
for (const event of ["pointerdown", "keydown"]) {
  addEventListener(event, () => {
    touch();
  });
}

const root = document.getElementById("root");
if (root) {
  await speak(currentSettings().language);
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <TransportProvider transport={transport}>
          <QueryClientProvider client={queries}>
            <App />
          </QueryClientProvider>
        </TransportProvider>
      </I18nProvider>
    </StrictMode>,
  );
}
