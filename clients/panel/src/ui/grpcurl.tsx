// "Copy as grpcurl": the calls behind a view, as a shell runs them.

import { useState } from "react";
import { create, toJsonString } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import { Trans, useLingui } from "@lingui/react/macro";

import { token } from "../app/session";
import { Button } from "./base";

export interface Call {
  method: DescMethod;
  input: object;
}

/** A call with an input of its type. */
export function callOf<I extends DescMessage>(
  method: DescMethod & { input: I },
  input: MessageInitShape<I>,
): Call {
  return { method, input };
}

export function grpcurlOf({ method, input }: Call): string {
  const message = create(method.input, input as never);
  const json = toJsonString(method.input, message, { useProtoFieldName: true });
  const quoted = `'${json.replaceAll("'", `'\\''`)}'`;
  const plain = location.protocol === "https:" ? "" : " -plaintext";
  const secret = token() === undefined ? "" : ` -H "authorization: Bearer $TOLLGATE_TOKEN"`;
  const port = location.port || (plain ? "80" : "443");
  return `grpcurl${plain}${secret} -d ${quoted} ${location.hostname}:${port} ${method.parent.typeName}/${method.name}`;
}

export function CopyButton({
  text,
  label,
  children,
}: {
  text: () => string;
  label?: string;
  children: React.ReactNode;
}) {
  const { t } = useLingui();
  const [copied, setCopied] = useState(false);
  return (
    <Button
      kind="quiet"
      aria-label={copied ? t`Copied` : label}
      onClick={() => {
        void navigator.clipboard.writeText(text()).then(() => {
          setCopied(true);
          setTimeout(() => {
            setCopied(false);
          }, 1_500);
        });
      }}
    >
      {copied ? <Trans>Copied</Trans> : children}
    </Button>
  );
}

export function CopyAsGrpcurl({ calls }: { calls: Call[] }) {
  return (
    <CopyButton text={() => calls.map(grpcurlOf).join("\n")}>
      <Trans>Copy as grpcurl</Trans>
    </CopyButton>
  );
}
