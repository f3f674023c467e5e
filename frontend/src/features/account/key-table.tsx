/** API keys in a table, each of which can be revoked. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Badge } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm } from "@/ui/dialog";
import { Ago, useNow } from "@/ui/time";
import { type Key, SCOPES } from "./queries";

interface Props {
  label: string;
  keys: readonly Key[];
  empty: React.ReactNode;
  revoke: (key: Key) => Promise<unknown>;
}

export function KeyTable({ label, keys, empty, revoke }: Props) {
  const client = useQueryClient();
  const columns = useMemo(() => columnsOf(client, revoke), [client, revoke]);
  return <DataTable label={label} rows={keys} columns={columns} rowId={(key) => key.id} empty={empty} />;
}

function Expiry({ at }: { at: string | null }) {
  const over = useNow() >= Date.parse(at ?? "9999-01-01");
  if (!at) return <>never</>;
  return over ? <Badge tone="bad">expired</Badge> : <Ago at={at} />;
}

const nameOf = (key: Key) => key.name || `${key.prefix}…`;

function columnsOf(client: QueryClient, revoke: Props["revoke"]): Column<Key>[] {
  return [
    { id: "name", header: "Name", phone: "title", sort: (key) => key.name, cell: (key) => <span className="break-all">{nameOf(key)}</span> },
    { id: "prefix", header: "Begins with", cell: (key) => <code className="text-xs">{key.prefix}…</code> },
    { id: "scope", header: "May", cell: (key) => SCOPES[key.scope] },
    { id: "created", header: "Made", sort: (key) => key.created_at, cell: (key) => <Ago at={key.created_at} /> },
    { id: "used", header: "Last used", sort: (key) => key.last_used_at, cell: (key) => (key.last_used_at ? <Ago at={key.last_used_at} /> : "never") },
    { id: "expires", header: "Ends", sort: (key) => key.expires_at, cell: (key) => <Expiry at={key.expires_at} /> },
    {
      id: "revoke",
      header: "Revoke",
      cell: (key) => (
        <Confirm
          trigger={
            <Button size="small" kind="danger" aria-label={`Revoke ${nameOf(key)}`}>
              Revoke
            </Button>
          }
          title={`Revoke the key ${nameOf(key)}?`}
          action="Revoke"
          onConfirm={async () => {
            await revoke(key);
            toast(`The key ${nameOf(key)} is revoked.`);
            await client.invalidateQueries({ queryKey: ["keys"] });
          }}
        >
          <p>It stops working at once, and whatever uses it is refused. {key.last_used_at ? "It was used before." : "It was never used."}</p>
        </Confirm>
      ),
    },
  ];
}
