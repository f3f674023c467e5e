/** All nodes, in a table or as a picture of their GPUs. Filters, order and view are in the address. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { AddNode } from "@/features/clusters/add-node";
import { clustersQuery } from "@/features/clusters/queries";
import { Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { Button } from "@/ui/button";
import { DataTable } from "@/ui/data-table";
import { Input, Select } from "@/ui/form";
import { GpuPicture } from "./gpu-picture";
import { nodeColumns } from "./node-columns";
import { NODE_STATES } from "./node-state";
import { type Node, nodesQuery } from "./queries";
import type { NodesSearch } from "./search";

const route = getRouteApi("/inside/nodes");
const VIRTUAL_FROM = 100;

export function NodesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const change = (next: Partial<Record<keyof NodesSearch, string | undefined>>) =>
    void navigate({ search: (before) => clean({ ...before, ...next }), replace: true });
  const { data: all, error } = useQuery(nodesQuery);
  const { data: clusters } = useQuery(clustersQuery);
  const names = useMemo(() => new Map(clusters?.clusters.map((cluster) => [cluster.cluster_id, cluster.cluster_name])), [clusters]);
  const columns = useMemo(() => nodeColumns(names), [names]);
  const nodes = useMemo(() => all?.nodes.filter((node) => matches(node, search, names)) ?? [], [all, search, names]);
  const admin = useMay("admin");
  const target = clusters?.clusters.find((cluster) => cluster.cluster_id === search.cluster || cluster.cluster_name === search.cluster) ?? (clusters?.clusters.length === 1 ? clusters.clusters[0] : undefined);
  if (error && !all) return <Notice tone="bad">{sentence(error)}</Notice>;
  return (
    <>
      <PageHead title="Nodes" sub={all && `${nodes.length === all.nodes.length ? "" : `${nodes.length} of `}${all.nodes.length} ${all.nodes.length === 1 ? "node" : "nodes"}`}>
        {admin && target && <AddNode cluster={target.cluster_id} name={target.cluster_name} />}
        {admin && !target && (
          <Button asChild>
            <Link to="/clusters">Add a node to a cluster</Link>
          </Button>
        )}
      </PageHead>
      <search className="mb-3 flex flex-wrap items-center gap-2">
        <Input data-search type="search" aria-label="Search" placeholder="Name, GPU, label" value={search.q ?? ""} onChange={(event) => change({ q: event.target.value })} className="w-full sm:w-56" />
        <Select aria-label="State" value={search.state ?? ""} onChange={(event) => change({ state: event.target.value })} className="w-auto">
          <option value="">any state</option>
          {NODE_STATES.map((state) => (
            <option key={state}>{state}</option>
          ))}
        </Select>
        <Select aria-label="Cluster" value={search.cluster ?? ""} onChange={(event) => change({ cluster: event.target.value })} className="w-auto">
          <option value="">any cluster</option>
          {clusters?.clusters.map((cluster) => (
            <option key={cluster.cluster_id} value={cluster.cluster_name}>
              {cluster.cluster_name}
            </option>
          ))}
        </Select>
        <div role="group" aria-label="Show as" className="ml-auto flex gap-1">
          <Button size="small" aria-pressed={search.view !== "gpus"} kind={search.view === "gpus" ? "quiet" : "plain"} onClick={() => change({ view: undefined })}>
            Table
          </Button>
          <Button size="small" aria-pressed={search.view === "gpus"} kind={search.view === "gpus" ? "plain" : "quiet"} onClick={() => change({ view: "gpus" })}>
            GPUs
          </Button>
        </div>
      </search>
      {!all ? (
        <Skeleton lines={8} />
      ) : search.view === "gpus" && all.nodes.length > 0 ? (
        <GpuPicture nodes={nodes} />
      ) : (
        <DataTable
          label="Nodes"
          rows={nodes}
          columns={columns}
          rowId={(node) => node.id}
          sort={search.sort}
          onSort={(sort) => change({ sort })}
          virtual={nodes.length > VIRTUAL_FROM}
          empty={<NoNodes any={all.nodes.length > 0} />}
        />
      )}
    </>
  );
}

function NoNodes({ any }: { any: boolean }) {
  if (any) return <Empty title="No node is like that.">Search for something else, or leave out a filter.</Empty>;
  return (
    <Empty title="There is no node yet.">
      A machine becomes a node by running <code>lilac agent start</code> with a key of a <Link to="/clusters" className="text-accent underline">cluster</Link>.
    </Empty>
  );
}

export function matches(node: Node, search: NodesSearch, clusters: ReadonlyMap<string, string>): boolean {
  if (search.state && node.node_status !== search.state) return false;
  if (search.cluster && node.cluster_id !== search.cluster && clusters.get(node.cluster_id) !== search.cluster) return false;
  const wanted = search.q?.toLowerCase();
  if (!wanted) return true;
  const words = [node.name, node.hostname, node.id, ...node.gpus.map((gpu) => gpu.model), ...Object.entries(node.labels).map(([key, value]) => `${key}=${value}`)];
  return words.some((word) => word.toLowerCase().includes(wanted));
}

/** What is empty is left out of the address. */
function clean(search: Partial<Record<keyof NodesSearch, string | undefined>>): NodesSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value)) as NodesSearch;
}
