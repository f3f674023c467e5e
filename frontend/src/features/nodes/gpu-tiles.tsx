/**
 * GPUs as tiles: which are free, which job of whom holds the others, which are ill. Parts of one GPU (MIG) stand in one frame.
 *
 * Words and shapes say what colours say: free ones are dashed and say so, ill ones have a sign and their problem.
 */
import { Link } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";
import { cn } from "@/ui/cn";
import { memory } from "@/ui/quantities";
import type { Gpu } from "./queries";

interface TilesProps {
  gpus: readonly Gpu[];
  /** The job whose tiles stand out. */
  marked: string | null;
  onMark: (job: string | null) => void;
}

export function GpuTiles({ gpus, ...shared }: TilesProps) {
  return (
    <ul aria-label="GPUs" className="flex flex-wrap gap-1.5">
      {groupsOf(gpus).map(({ parent, members }) =>
        parent === null ? (
          members.map(({ gpu, place }) => <Tile key={gpu.uuid} gpu={gpu} name={`GPU ${place}`} {...shared} />)
        ) : (
          <li key={parent} className="rounded-lg border border-line p-1">
            <p className="mb-1 px-1 text-[0.6875rem] text-muted" title={parent}>
              one GPU in {members.length} {members.length === 1 ? "part" : "parts"}
            </p>
            <ul className="flex flex-wrap gap-1">
              {members.map(({ gpu, place }) => (
                <Tile key={gpu.uuid} gpu={gpu} name={gpu.mig ?? `part ${place}`} {...shared} />
              ))}
            </ul>
          </li>
        ),
      )}
    </ul>
  );
}

interface Group {
  parent: string | null;
  members: { gpu: Gpu; place: number }[];
}

/** Whole GPUs one by one and the parts of one GPU together, in the order of the node. */
export function groupsOf(gpus: readonly Gpu[]): Group[] {
  const found: Group[] = [];
  gpus.forEach((gpu, place) => {
    const parent = gpu.mig ? (gpu.parent ?? "?") : null;
    const known = parent === null ? undefined : found.find((group) => group.parent === parent);
    if (known) known.members.push({ gpu, place });
    else found.push({ parent, members: [{ gpu, place }] });
  });
  return found;
}

function known(value: number | null | undefined): value is number {
  return typeof value === "number";
}

function Tile({ gpu, name, marked, onMark }: Omit<TilesProps, "gpus"> & { gpu: Gpu; name: string }) {
  const job = gpu.job_id;
  const ill = !gpu.healthy || gpu.lost;
  const used = known(gpu.used_memory_mb) ? `${memory(gpu.used_memory_mb)} of ` : "";
  const about = `${gpu.model}, ${used}${memory(gpu.memory_mb)}${known(gpu.utilization_pct) ? `, load ${gpu.utilization_pct}%` : ""}${gpu.problem ? `. ${gpu.problem}` : ""}`;
  return (
    <li
      title={about}
      className={cn(
        "flex h-16 w-32 min-w-0 flex-col justify-center rounded-md border px-2 text-xs leading-tight",
        job ? "border-info/60 bg-info-soft" : "border-dashed border-line",
        ill && "border-solid border-bad bg-bad-soft",
        job && job === marked && "ring-2 ring-accent",
      )}
    >
      <span className="flex items-center justify-between gap-1 text-[0.6875rem] text-muted">
        {name} {known(gpu.utilization_pct) ? <span className="tabular-nums">{gpu.utilization_pct}%</span> : <span>{memory(gpu.memory_mb)}</span>}
      </span>
      {known(gpu.utilization_pct) && (
        <span aria-hidden className="mb-0.5 h-1 w-full shrink-0 overflow-hidden rounded-full bg-raised">
          <span className="block h-full rounded-full bg-accent" style={{ width: `${gpu.utilization_pct}%` }} />
        </span>
      )}
      {job ? (
        <Link
          to="/jobs/$job"
          params={{ job }}
          preload={false}
          className="truncate font-medium hover:underline"
          onMouseEnter={() => onMark(job)}
          onMouseLeave={() => onMark(null)}
          onFocus={() => onMark(job)}
          onBlur={() => onMark(null)}
        >
          {gpu.job_name ?? `job ${job.slice(0, 8)}`}
        </Link>
      ) : (
        !ill && <span className="text-muted">free</span>
      )}
      {job && <span className="truncate text-muted">{gpu.owner ?? "somebody else"}</span>}
      {ill && (
        <span className="flex items-center gap-1 truncate font-medium text-bad">
          <TriangleAlert aria-hidden className="size-3 shrink-0" /> {gpu.lost ? "lost" : "unhealthy"}
        </span>
      )}
    </li>
  );
}
