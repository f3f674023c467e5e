/** Every node's GPUs with who holds which. Only the nodes near the window are in the page, so hundreds stay fast. */
import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import { Empty } from "@/ui/card";
import { GpuTiles } from "./gpu-tiles";
import { NodeStateBadge } from "./node-state";
import type { Node } from "./queries";

const ROW_PX = 92;

export function GpuPicture({ nodes }: { nodes: readonly Node[] }) {
  const [marked, setMarked] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const shown = nodes.filter((node) => node.gpus.length > 0);
  useLayoutEffect(() => {
    const look = () => setTop(Math.round((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    look();
    const watcher = new ResizeObserver(look);
    watcher.observe(document.body);
    return () => watcher.disconnect();
  }, []);
  const rows = useWindowVirtualizer({
    count: shown.length,
    estimateSize: () => ROW_PX,
    measureElement: (element) => Math.round(element.getBoundingClientRect().height) || ROW_PX,
    getItemKey: (index) => shown[index]?.id ?? index,
    overscan: 8,
    scrollMargin: top,
    initialRect: { width: 1024, height: 768 },
  });
  if (shown.length === 0) {
    return <Empty title="None of these nodes has a GPU.">GPUs of NVIDIA show themselves as soon as their driver is on the machine.</Empty>;
  }
  const gpus = shown.flatMap((node) => node.gpus);
  const held = gpus.filter((gpu) => gpu.job_id).length;
  const ill = gpus.filter((gpu) => !gpu.healthy || gpu.lost).length;
  return (
    <>
      <p role="status" className="mb-2 text-muted">
        {held} of {gpus.length} GPUs are held by jobs; free: {gpus.filter((gpu) => !gpu.job_id && gpu.healthy && !gpu.lost).length}{ill > 0 && `; unhealthy: ${ill}`}.
      </p>
      <div ref={list} role="list" aria-label="GPUs by node" className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const node = shown[item.index];
          return (
            node && (
              <div
                key={node.id}
                role="listitem"
                ref={rows.measureElement}
                data-index={item.index}
                className="absolute inset-x-0 top-0 pb-2"
                style={{ transform: `translateY(${item.start - top}px)` }}
              >
                <div className="grid gap-x-4 gap-y-1 rounded-xl border border-line bg-surface p-2.5 md:grid-cols-[13rem_1fr]">
                  <div className="min-w-0">
                    <p className="flex items-center gap-2">
                      <Link to="/nodes/$node" params={{ node: node.id }} preload={false} className="truncate font-medium hover:underline">
                        {node.name}
                      </Link>
                      <NodeStateBadge node={node} />
                    </p>
                    <p className="truncate text-xs text-muted" title={modelsOf(node)}>
                      {modelsOf(node)}
                    </p>
                  </div>
                  <GpuTiles gpus={node.gpus} marked={marked} onMark={setMarked} />
                </div>
              </div>
            )
          );
        })}
      </div>
    </>
  );
}

/** `8 × NVIDIA H100 80GB HBM3` */
export function modelsOf(node: Pick<Node, "gpus">): string {
  const counts = new Map<string, number>();
  for (const gpu of node.gpus) {
    const model = gpu.mig ? `${gpu.model} (${gpu.mig})` : gpu.model;
    counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  return [...counts].map(([model, count]) => `${count} × ${model}`).join(", ");
}
