/** The keys with which agents sign in for a cluster. A key's text is shown once, when it is made. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Notice, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm, Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/form";
import { Ago } from "@/ui/time";
import { type ClusterKey, clusterKeysQuery } from "./queries";

const COLUMNS: Column<ClusterKey>[] = [
  { id: "name", header: "Name", phone: "title", sort: (key) => key.name, cell: (key) => <span className="font-medium break-all">{key.name || <span className="font-normal text-muted">no name</span>}</span> },
  { id: "prefix", header: "Begins with", cell: (key) => <code className="text-xs">{key.prefix}…</code> },
  { id: "made", header: "Made", sort: (key) => key.created_at, cell: (key) => <Ago at={key.created_at} /> },
  { id: "used", header: "Last used", sort: (key) => key.last_used_at, cell: (key) => (key.last_used_at ? <Ago at={key.last_used_at} /> : <span className="text-muted">never</span>) },
  { id: "ends", header: "Good until", sort: (key) => key.expires_at, cell: (key) => (key.expires_at ? <Ago at={key.expires_at} /> : <span className="text-muted">deleted</span>) },
  { id: "delete", header: "Delete", align: "end", cell: (key) => <DeleteKey keyOf={key} /> },
];

export function ClusterKeys({ cluster, name }: { cluster: string; name: string }) {
  const { data: keys, error } = useQuery(clusterKeysQuery(cluster));
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="font-semibold">Keys of agents{keys && ` (${keys.length})`}</h2>
        <NewKey cluster={cluster} name={name} />
      </div>
      {error && !keys ? (
        <Notice tone="bad">{sentence(error)}</Notice>
      ) : keys ? (
        <DataTable label={`Keys of ${name}`} rows={keys} columns={COLUMNS} rowId={(key) => key.id} empty={<p className="text-muted">No key yet. Without one no machine can join the cluster.</p>} />
      ) : (
        <Skeleton lines={3} />
      )}
    </section>
  );
}

function NewKey({ cluster, name }: { cluster: string; name: string }) {
  const [open, setOpen] = useState(false);
  const [label, setLabel] = useState("");
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => data(api.POST("/clusters/{cluster}/api-keys", { params: { path: { cluster } }, body: { name: label.trim() || null } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["keys", "cluster", cluster] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <>
      <Button onClick={() => (make.reset(), setLabel(""), setOpen(true))}>
        <KeyRound aria-hidden /> New key
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={`New key of ${name}`} description="Agents of the cluster's machines sign in with it.">
        {make.data ? (
          <>
            <p>Copy it now: it is never shown again.</p>
            <Snippet text={make.data.key} />
            <div className="flex justify-end">
              <Button kind="primary" onClick={() => setOpen(false)}>
                Done
              </Button>
            </div>
          </>
        ) : (
          <form onSubmit={submit} className="flex flex-col gap-4">
            <Field label="Name" hint="To tell it from others, such as the machines that have it." error={make.error && sentence(make.error)}>
              {(bound) => <Input {...bound} value={label} onChange={(event) => setLabel(event.target.value)} />}
            </Field>
            <div className="flex justify-end gap-2">
              <Button onClick={() => setOpen(false)}>Cancel</Button>
              <Button kind="primary" type="submit" disabled={make.isPending}>
                Make the key
              </Button>
            </div>
          </form>
        )}
      </Dialog>
    </>
  );
}

function DeleteKey({ keyOf: key }: { keyOf: ClusterKey }) {
  const cluster = key.cluster_id;
  const client = useQueryClient();
  const name = key.name || `${key.prefix}…`;
  const remove = async () => {
    await api.DELETE("/clusters/{cluster}/api-keys/{key_id}", { params: { path: { cluster, key_id: key.id } } });
    await client.invalidateQueries({ queryKey: ["keys", "cluster", cluster] });
    toast(`Key ${name} is deleted.`);
  };
  return (
    <Confirm
      trigger={
        <Button kind="danger" size="small" aria-label={`Delete key ${name}`}>
          Delete
        </Button>
      }
      title={`Delete key ${name}?`}
      action="Delete the key"
      onConfirm={remove}
    >
      <p>Agents that use it are refused at once; their nodes count as lost after a while, and their jobs run elsewhere.{key.last_used_at ? "" : " It has never been used."}</p>
    </Confirm>
  );
}
