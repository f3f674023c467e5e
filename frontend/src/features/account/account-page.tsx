/** One's own account: who one is, the password, API keys, secrets and volumes. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { sentence } from "@/api/errors";
import { useMay, useSession } from "@/app/session";
import { Button } from "@/ui/button";
import { Card, Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { Tabs } from "@/ui/tabs";
import { Ago } from "@/ui/time";
import { KeyTable } from "./key-table";
import { NewKeyDialog } from "./new-key";
import { PasswordForm } from "./password-form";
import { ownKeysQuery, type Key } from "./queries";
import { SecretsTab } from "./secrets-tab";
import type { AccountTab } from "./tabs";
import { VolumesTab } from "./volumes-tab";

const ROLES = { viewer: "looks at everything and changes nothing", member: "submits jobs, and sees those of her own", admin: "may do everything" };

export function AccountPage() {
  const { tab = "profile" } = useSearch({ from: "/inside/account" });
  const navigate = useNavigate();
  const member = useMay("member");
  return (
    <>
      <PageHead title="Account" />
      <Tabs<AccountTab>
        label="Account"
        value={tab}
        onChange={(next) => void navigate({ to: "/account", search: { tab: next }, replace: true })}
        tabs={[
          { value: "profile", label: "Profile", content: <Profile /> },
          { value: "keys", label: "API keys", content: <Keys /> },
          ...(member ? [{ value: "secrets" as const, label: "Secrets", content: <SecretsTab /> }] : []),
          { value: "volumes", label: "Volumes", content: <VolumesTab /> },
        ]}
      />
    </>
  );
}

function Profile() {
  const session = useSession();
  const facts: [string, React.ReactNode][] = [
    ["Name", [session.first_name, session.last_name].filter(Boolean).join(" ") || "–"],
    ["Username", session.username],
    ["Role", `${session.role}: ${ROLES[session.role]}`],
    ["This session", session.session_ends_at ? <>ends <Ago at={session.session_ends_at} /> unless you go on working</> : "–"],
  ];
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Card title="You">
        <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
          {facts.map(([name, words]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="min-w-0 break-words">{words}</dd>
            </div>
          ))}
        </dl>
      </Card>
      <Card title="Password">
        <PasswordForm />
      </Card>
    </div>
  );
}

const revoke = (key: Key) => api.DELETE("/account/api-keys/{key_id}", { params: { path: { key_id: key.id } } });

function Keys() {
  const keys = useQuery(ownKeysQuery);
  const [making, setMaking] = useState(false);
  return (
    <Card
      title="API keys"
      actions={
        <Button kind="primary" size="small" onClick={() => setMaking(true)}>
          <Plus aria-hidden /> New key
        </Button>
      }
    >
      {keys.error && <Notice tone="bad">{sentence(keys.error)}</Notice>}
      {keys.isPending ? (
        <Skeleton />
      ) : (
        <KeyTable label="Your API keys" keys={keys.data ?? []} revoke={revoke} empty={<Empty title="You have no API key.">The command line and programs need one: make it here, and give it to lilac configure.</Empty>} />
      )}
      <NewKeyDialog open={making} onOpenChange={setMaking} />
    </Card>
  );
}
