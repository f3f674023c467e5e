/** What a node's machine is: hardware, software, disk, labels. */
import type { ReactNode } from "react";
import { Card, Meter } from "@/ui/card";
import { cores, memory } from "@/ui/quantities";
import { modelsOf } from "./gpu-picture";
import { Labels } from "./node-columns";
import type { Node } from "./queries";

export function NodeFacts({ node }: { node: Node }) {
  const lost = node.node_status === "lost";
  const cpu = node.cpu.millicores - node.free.cpu_millicores;
  const held = node.memory_mb - node.free.memory_mb;
  return (
    <Card title="The machine">
      <dl className="grid grid-cols-[8rem_minmax(0,1fr)] items-baseline gap-x-3 gap-y-2">
        <Fact name="Host name">{node.hostname}</Fact>
        <Fact name="CPU">
          {cores(node.cpu.millicores)} cores, {node.cpu.manufacturer} {node.cpu.architecture}
          {!lost && <Given label="CPU given to jobs" used={cpu} total={node.cpu.millicores} words={`${cores(Math.max(cpu, 0))} cores given to jobs`} />}
        </Fact>
        <Fact name="Memory">
          {memory(node.memory_mb)}
          {!lost && <Given label="Memory given to jobs" used={held} total={node.memory_mb} words={`${memory(Math.max(held, 0))} given to jobs`} />}
        </Fact>
        <Fact name="GPUs">{node.gpus.length > 0 ? modelsOf(node) : "none"}</Fact>
        {node.disk && (
          <Fact name="Disk of images">
            {memory(node.disk.free_mb)} of {memory(node.disk.total_mb)} free
            <Meter label="Disk used" value={node.disk.total_mb - node.disk.free_mb} max={node.disk.total_mb} className="mt-1 max-w-64" />
          </Fact>
        )}
        <Fact name="Runs jobs in">{node.runtimes.map((runtime) => (runtime === "docker" ? "containers" : "processes")).join(", ") || "nothing"}</Fact>
        {!node.features.includes("limits") && node.runtimes.includes("process") && <Fact name="Limits">Processes are not kept to what they asked for: the agent may make no control groups here.</Fact>}
        {Object.entries(node.drivers).map(([name, version]) => (
          <Fact key={name} name={name === "nvidia" || name === "driver" ? "NVIDIA driver" : name.toUpperCase()}>
            {version}
          </Fact>
        ))}
        <Fact name="Agent">{node.agent_version}</Fact>
        <Fact name="Labels">{Object.keys(node.labels).length > 0 ? <Labels labels={node.labels} all /> : <span className="text-muted">none</span>}</Fact>
        <Fact name="Id">
          <span className="font-mono text-xs break-all">{node.id}</span>
        </Fact>
      </dl>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

function Given({ label, used, total, words }: { label: string; used: number; total: number; words: string }) {
  return (
    <div className="mt-1 max-w-64">
      <Meter label={label} value={Math.max(used, 0)} max={total} />
      <span className="text-xs text-muted">{words}</span>
    </div>
  );
}
