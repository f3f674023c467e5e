/** Named volumes: data that stays on a node between jobs. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Badge, Card, Empty, Notice, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm } from "@/ui/dialog";
import { Field, Input } from "@/ui/form";
import { Ago } from "@/ui/time";
import { type Volume, volumesQuery } from "./queries";

export function VolumesTab() {
  const client = useQueryClient();
  const volumes = useQuery(volumesQuery);
  const [admin, member] = [useMay("admin"), useMay("member")];
  const columns = useMemo(() => columnsOf(client, admin, member), [client, admin, member]);
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <Card title="Volumes">
        {volumes.error && <Notice tone="bad">{sentence(volumes.error)}</Notice>}
        {volumes.isPending ? (
          <Skeleton />
        ) : (
          <DataTable
            label="Volumes"
            rows={volumes.data?.volumes ?? []}
            columns={columns}
            rowId={(volume) => volume.id}
            empty={
              <Empty title="There is no volume yet.">
                <p className="mb-2">A job that names one makes it, or make it here.</p>
                <Snippet text="lilac submit --volume data:/data …" className="text-left" />
              </Empty>
            }
          />
        )}
      </Card>
      {member && (
        <Card title="Make a volume">
          <VolumeForm />
        </Card>
      )}
    </div>
  );
}

function Place({ volume }: { volume: Volume }) {
  if (!volume.node_id) return <span className="text-muted">no node yet: that of the first job</span>;
  return (
    <span className="flex flex-wrap items-center gap-2">
      <Link to="/nodes/$node" params={{ node: volume.node_id }} className="text-accent hover:underline">
        {volume.node_name ?? volume.node_id}
      </Link>
      {(volume.node_state === "lost" || volume.node_state === "removed") && <Badge tone="bad">{volume.node_state}</Badge>}
    </span>
  );
}

function VolumeForm() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [error, setError] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: () => data(api.POST("/volumes", { body: { name: name.trim() } })),
    onSuccess: async (made) => {
      toast(`The volume ${made.name} is there.`);
      setName("");
      setError(null);
      await client.invalidateQueries({ queryKey: ["volumes"] });
    },
    onError: (failure) => setError(sentence(failure)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") setError("Give it a name, such as data.");
    else make.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field label="Name" error={error} hint="1 to 63 letters, digits or any of . _ -">
        {(bound) => <Input {...bound} value={name} autoComplete="off" spellCheck={false} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <div>
        <Button kind="primary" type="submit" disabled={make.isPending}>
          {make.isPending ? "Making…" : "Make volume"}
        </Button>
      </div>
    </form>
  );
}

function columnsOf(client: QueryClient, admin: boolean, member: boolean): Column<Volume>[] {
  return [
    { id: "name", header: "Name", phone: "title", sort: (volume) => volume.name, cell: (volume) => <span className="break-all">{volume.name}</span> },
    ...(admin ? [{ id: "owner", header: "Owner", sort: (volume: Volume) => volume.owner, cell: (volume: Volume) => volume.owner ?? "–" }] : []),
    { id: "node", header: "Its data is on", cell: (volume) => <Place volume={volume} /> },
    { id: "used", header: "Last used", sort: (volume) => volume.last_used_at, cell: (volume) => (volume.last_used_at ? <Ago at={volume.last_used_at} /> : "never") },
    {
      id: "delete",
      header: "Delete",
      cell: (volume) =>
        member && (
          <Confirm
            trigger={
              <Button size="small" kind="danger" aria-label={`Delete the volume ${volume.name}`}>
                Delete
              </Button>
            }
            title={`Delete the volume ${volume.name}?`}
            action="Delete"
            onConfirm={async () => {
              await api.DELETE("/volumes/{volume}", { params: { path: { volume: volume.id } } });
              toast(`The volume ${volume.name} is deleted.`);
              await client.invalidateQueries({ queryKey: ["volumes"] });
            }}
          >
            <p>Jobs cannot use it any more. It is refused while a job that has not ended uses it.</p>
          </Confirm>
        ),
    },
  ];
}
