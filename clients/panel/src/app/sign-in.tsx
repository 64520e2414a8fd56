// Sign-in by access token, where the server asks for one.

import { useState } from "react";
import { Trans } from "@lingui/react/macro";

import { Button, TextField } from "../ui/base";
import { Preferences } from "./preferences";
import { signIn } from "./session";

export function SignIn({ refused }: { refused: boolean }) {
  const [secret, setSecret] = useState("");
  return (
    <main className="alone sign-in">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (secret.trim() !== "") signIn(secret.trim());
        }}
      >
        <h1>
          <Trans>Sign in to Tollgate</Trans>
        </h1>
        <p className="hint">
          <Trans>
            With an access token of this server. It stays in this browser tab and is forgotten after
            half an hour without use.
          </Trans>
        </p>
        {refused && (
          <p className="notice bad" role="alert">
            <Trans>The token is not valid, or not any more.</Trans>
          </p>
        )}
        <TextField
          label={<Trans>Access token</Trans>}
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={secret}
          onChange={setSecret}
        />
        <Button type="submit" kind="primary">
          <Trans>Sign in</Trans>
        </Button>
      </form>
      <Preferences />
    </main>
  );
}
