/** All jobs, newest first, however many: filtered by the address, live, and without moving under the reader. */
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, CirclePlus } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useMay } from "@/app/session";
import { Button } from "@/ui/button";
import { Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { DataTable } from "@/ui/data-table";
import { number } from "@/ui/quantities";
import { useSelection } from "@/ui/selection";
import { filtersOf, type JobsSearch } from "./addresses";
import { Bulk } from "./bulk";
import { COLUMNS } from "./columns";
import { columnsShown, Filters } from "./filters";
import { useJobs } from "./use-jobs";

const TOP_PX = 150;

export function JobsPage() {
  const search = useSearch({ from: "/inside/jobs" });
  const navigate = useNavigate({ from: "/jobs" });
  const member = useMay("member");
  const selection = useSelection();
  const pointed = useRef(false);
  const hold = useCallback(() => pointed.current || window.scrollY > TOP_PX, []);
  const jobs = useJobs(search, hold);
  const { list, showNew } = jobs;
  const change = useCallback((changes: Partial<JobsSearch>) => void navigate({ search: (before) => strip({ ...before, ...changes }), replace: true }), [navigate]);
  const shown = columnsShown(search);
  const hidden = useMemo(() => COLUMNS.map((column) => column.id).filter((id) => !shown.includes(id)), [shown]);
  const far = useFar();
  const toTop = () => {
    showNew();
    window.scrollTo({ top: 0 });
  };
  const leave = () => {
    pointed.current = false;
    if (!hold()) showNew();
  };
  const filtered = Object.keys(filtersOf(search)).length > 0;
  return (
    <>
      <PageHead title="Jobs">
        {member && (
          <Button kind="primary" asChild>
            <Link to="/submit">
              <CirclePlus aria-hidden /> Submit
            </Link>
          </Button>
        )}
      </PageHead>
      <Filters search={search} counts={jobs.counts} onChange={change} />
      {jobs.problem && <Notice tone="bad">{jobs.problem}</Notice>}
      {member && <Bulk selection={selection} rows={list.rows} />}
      <div className="sticky top-2 z-10 flex h-0 justify-center gap-2 max-md:top-16">
        {list.held.length > 0 && (
          <Button size="small" kind="primary" className="shadow" onClick={toTop}>
            <ArrowUp aria-hidden /> {number(list.held.length)} new
          </Button>
        )}
        {far && list.held.length === 0 && (
          <Button size="small" className="shadow" onClick={toTop}>
            <ArrowUp aria-hidden /> To the top
          </Button>
        )}
      </div>
      <div onPointerEnter={(event) => (pointed.current = event.pointerType === "mouse")} onPointerLeave={leave}>
        {jobs.loading ? (
          <Skeleton lines={10} />
        ) : jobs.problem && list.rows.length === 0 ? null : (
          <DataTable
            label="Jobs"
            virtual
            rows={list.rows}
            columns={COLUMNS}
            hidden={hidden}
            rowId={(job) => job.job_id}
            rowName={(job) => job.job_name}
            selection={member ? selection : undefined}
            onEnd={jobs.more}
            onSight={jobs.look}
            empty={<Nothing filtered={filtered} onClear={() => void navigate({ search: search.columns ? { columns: search.columns } : {}, replace: true })} />}
          />
        )}
      </div>
      {list.next && list.rows.length > 0 && (
        <p role="status" className="py-3 text-center text-xs text-muted">
          {number(list.rows.length)} listed; more come as you scroll.
        </p>
      )}
    </>
  );
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered)
    return (
      <Empty title="No job matches these filters.">
        <Button onClick={onClear}>Clear the filters</Button>
      </Empty>
    );
  return (
    <Empty title="There are no jobs yet.">
      <p className="mb-2">Submit one here, or from the command line:</p>
      <Snippet text={"lilac submit --name hello --image debian:12 --cpu 1 --memory 1GiB -- echo hello"} />
    </Empty>
  );
}

function strip<T extends object>(table: T): T {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as T;
}

/** Whether the page is scrolled far from its top. */
function useFar(): boolean {
  const [far, setFar] = useState(false);
  useEffect(() => {
    const look = () => setFar(window.scrollY > window.innerHeight);
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  return far;
}
