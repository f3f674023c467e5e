/** One's secrets: written and listed by name, never shown. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { api } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Badge, Card, Empty, Notice, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm } from "@/ui/dialog";
import { Checkbox, Field, Input, TextArea } from "@/ui/form";
import { Ago } from "@/ui/time";
import { type Secret, secretsQuery } from "./queries";

export function SecretsTab() {
  const client = useQueryClient();
  const secrets = useQuery(secretsQuery);
  const admin = useMay("admin");
  const columns = useMemo(() => columnsOf(client, admin), [client, admin]);
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <Card title="Secrets">
        {secrets.error && <Notice tone="bad">{sentence(secrets.error)}</Notice>}
        {secrets.isPending ? (
          <Skeleton />
        ) : (
          <DataTable
            label="Secrets"
            rows={secrets.data?.secrets ?? []}
            columns={columns}
            rowId={(secret) => `${secret.shared} ${secret.name}`}
            empty={
              <Empty title="There is no secret yet.">
                <p className="mb-2">Set one here or by the command line; jobs get it as a variable or a file.</p>
                <Snippet text="lilac secrets set TOKEN" className="text-left" />
              </Empty>
            }
          />
        )}
      </Card>
      <Card title="Set a secret">
        <SecretForm admin={admin} />
      </Card>
    </div>
  );
}

function SecretForm({ admin }: { admin: boolean }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [shared, setShared] = useState(false);
  const [errors, setErrors] = useState<{ name?: string; value?: string }>({});
  const set = useMutation({
    mutationFn: () => api.PUT("/secrets/{name}", { params: { path: { name: name.trim() } }, body: { value, shared } }),
    onSuccess: async () => {
      toast(`The secret ${name.trim()} is set. It counts for jobs that start from now on.`);
      setName("");
      setValue("");
      await client.invalidateQueries({ queryKey: ["secrets"] });
    },
    onError: (failure) => setErrors({ [failure instanceof ApiError && failure.field === "value" ? "value" : "name"]: sentence(failure) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found: typeof errors = {};
    if (name.trim() === "") found.name = "Give it a name, such as TOKEN.";
    if (value === "") found.value = "Type or paste the value.";
    setErrors(found);
    if (Object.keys(found).length === 0) set.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field label="Name" error={errors.name} hint="A name that is there already gets the new value.">
        {(bound) => <Input {...bound} value={name} autoComplete="off" spellCheck={false} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Value" error={errors.value} hint="It is never shown again, and masked in logs.">
        {(bound) => <TextArea {...bound} value={value} autoComplete="off" spellCheck={false} onChange={(event) => setValue(event.target.value)} />}
      </Field>
      {admin && <Checkbox label="Shared: jobs of everybody may use it" checked={shared} onChange={(event) => setShared(event.target.checked)} />}
      <div>
        <Button kind="primary" type="submit" disabled={set.isPending}>
          {set.isPending ? "Setting…" : "Set secret"}
        </Button>
      </div>
    </form>
  );
}

function columnsOf(client: QueryClient, admin: boolean): Column<Secret>[] {
  return [
    {
      id: "name",
      header: "Name",
      phone: "title",
      sort: (secret) => secret.name,
      cell: (secret) => (
        <span className="flex flex-wrap items-center gap-2">
          <code className="break-all">{secret.name}</code>
          {secret.shared && <Badge>shared</Badge>}
        </span>
      ),
    },
    { id: "updated", header: "Set", sort: (secret) => secret.updated_at, cell: (secret) => <Ago at={secret.updated_at} /> },
    {
      id: "delete",
      header: "Delete",
      cell: (secret) =>
        (!secret.shared || admin) && (
          <Confirm
            trigger={
              <Button size="small" kind="danger" aria-label={`Delete the secret ${secret.name}`}>
                Delete
              </Button>
            }
            title={`Delete the secret ${secret.name}?`}
            action="Delete"
            onConfirm={async () => {
              await api.DELETE("/secrets/{name}", { params: { path: { name: secret.name }, query: { shared: secret.shared } } } as never);
              toast(`The secret ${secret.name} is deleted.`);
              await client.invalidateQueries({ queryKey: ["secrets"] });
            }}
          >
            <p>Jobs that run keep what they were given; jobs that wait for it fail when they are to start.</p>
          </Confirm>
        ),
    },
  ];
}
