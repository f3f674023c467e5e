/**
 * A table of things: sortable, with columns that can be hidden, rows that can be ticked, and on phones a card per row.
 *
 * With `virtual` only the rows near the window are in the page, so a hundred thousand are as fast as ten; the page itself
 * scrolls. Rows are measured, so they may differ in height. The rows themselves come from the caller (`rows`), and
 * `onEnd` asks for more when the reader nears their end.
 *
 * The roles are written out because cards are tables whose `display` is changed, which makes some browsers forget them.
 */
/* oxlint-disable jsx-a11y/no-redundant-roles, jsx-a11y/control-has-associated-label, jsx-a11y/no-interactive-element-to-noninteractive-role */
import {
  columnVisibilityFeature,
  createSortedRowModel,
  type ColumnDef,
  type Row,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { cn } from "./cn";
import { type Selection, SelectAll, SelectRow } from "./selection";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** What the column sorts by; without it the column does not sort. Nothing (null, undefined) comes last. */
  sort?: (row: T) => string | number | null | undefined;
  align?: "end";
  /** CSS width, which counts in virtual tables: `8rem`. Without one the column shares what is left. */
  width?: string;
  /** On phones: the card's heading, or left out. Others are lines with their header before them. */
  phone?: "title" | "hide";
  className?: string;
}

/** Which column a table is sorted by; `-name` is descending. */
export type Sort = string;

interface DataTableProps<T> {
  /** What the table lists, for screen readers. */
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowId: (row: T) => string;
  /** Columns that are not shown. */
  hidden?: readonly string[];
  /** The order, if the page keeps it (in its address); otherwise the table does. */
  sort?: Sort | undefined;
  onSort?: (sort: Sort | undefined) => void;
  /** Ticking rows. */
  selection?: Selection | undefined;
  /** A row's name for its tick box. */
  rowName?: (row: T) => string;
  rowClass?: (row: T) => string | undefined;
  virtual?: boolean;
  /** With `virtual`: called when the last rows come into view. */
  onEnd?: () => void;
  /** With `virtual`: called with the first and the last row in sight when they change. */
  onSight?: (first: number, last: number) => void;
  /** What is shown instead of a table without rows. */
  empty?: ReactNode;
}

const features = tableFeatures({ columnVisibilityFeature, rowSortingFeature, sortedRowModel: createSortedRowModel() });
type Features = typeof features;

export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { rows, columns, rowId, hidden, selection, virtual, empty } = props;
  const [ownSort, setOwnSort] = useState<Sort | undefined>();
  const sort = props.onSort ? props.sort : (ownSort ?? props.sort);
  const sorting = useMemo<SortingState>(() => (sort ? [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }] : []), [sort]);
  const defs = useMemo(() => columns.map((column) => definition(column)), [columns]);
  const columnVisibility = useMemo(() => Object.fromEntries((hidden ?? []).map((id) => [id, false])), [hidden]);
  const table = useTable({
    features,
    columns: defs,
    data: rows as T[],
    getRowId: rowId,
    state: { sorting, columnVisibility },
    onSortingChange: (updater) => {
      const next = (typeof updater === "function" ? updater(sorting) : updater)[0];
      (props.onSort ?? setOwnSort)(next && `${next.desc ? "-" : ""}${next.id}`);
    },
  });
  const body = table.getRowModel().rows;
  const shown = columns.filter((column) => !hidden?.includes(column.id));
  const ids = useMemo(() => body.map((row) => row.id), [body]);
  if (rows.length === 0 && empty) return <>{empty}</>;
  const line = (row: Row<Features, T>, place?: Place) => (
    <Line key={row.id} row={row.original} id={row.id} ids={ids} columns={shown} table={props} place={place} />
  );
  return (
    <div className="max-md:contents md:overflow-x-auto md:rounded-xl md:border md:border-line md:bg-surface" data-virtual={virtual}>
      <table role="table" aria-label={props.label} aria-rowcount={virtual ? body.length + 1 : undefined} className={cn("w-full border-collapse text-left max-md:block", virtual && "md:table-fixed")}>
        <thead role="rowgroup" className="max-md:sr-only">
          <tr role="row" className="border-b border-line">
            {selection && (
              <th role="columnheader" className="w-10 px-3 py-2">
                <SelectAll selection={selection} ids={ids} />
              </th>
            )}
            {shown.map((column) => (
              <Head key={column.id} column={column} sort={sort} onToggle={() => table.getColumn(column.id)?.toggleSorting()} />
            ))}
          </tr>
        </thead>
        {virtual ? <VirtualBody rows={body} span={shown.length + (selection ? 1 : 0)} onEnd={props.onEnd} onSight={props.onSight} line={line} /> : (
          <tbody role="rowgroup" className="max-md:flex max-md:flex-col max-md:gap-2">{body.map((row) => line(row))}</tbody>
        )}
      </table>
    </div>
  );
}

function definition<T extends object>(column: Column<T>): ColumnDef<Features, T> {
  const { sort } = column;
  return {
    id: column.id,
    header: column.header,
    // always the same for equal keys; what has no key comes last both ways
    ...(sort ? { accessorFn: (row: T) => sort(row) ?? undefined, sortFn: (a, b, id) => compare(a.getValue(id), b.getValue(id)), sortUndefined: "last" as const } : { enableSorting: false }),
  } as ColumnDef<Features, T>;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function Head<T>({ column, sort, onToggle }: { column: Column<T>; sort: Sort | undefined; onToggle: () => void }) {
  const way = sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : undefined;
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={way}
      style={column.width ? { width: column.width } : undefined}
      className={cn("px-3 py-2 text-xs font-medium whitespace-nowrap text-muted", column.align === "end" && "text-right", column.className)}
    >
      {column.sort ? (
        <button type="button" onClick={onToggle} className="inline-flex items-center gap-1 hover:text-ink">
          {column.header}
          {way === "ascending" && <ArrowUp className="size-3" aria-hidden />}
          {way === "descending" && <ArrowDown className="size-3" aria-hidden />}
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}

interface Place {
  index: number;
  measure: (element: HTMLTableRowElement | null) => void;
}

interface LineProps<T> {
  row: T;
  id: string;
  ids: readonly string[];
  columns: readonly Column<T>[];
  table: DataTableProps<T>;
  place: Place | undefined;
}

function Line<T>({ row, id, ids, columns, table, place }: LineProps<T>) {
  const { selection } = table;
  return (
    <tr
      role="row"
      ref={place?.measure}
      data-index={place?.index}
      data-row={id}
      aria-rowindex={place && place.index + 2}
      aria-selected={selection ? selection.has(id) : undefined}
      className={cn(
        "border-line max-md:relative max-md:flex max-md:flex-col max-md:gap-1 max-md:rounded-xl max-md:border max-md:bg-surface max-md:p-3 md:border-b md:last:border-b-0 md:hover:bg-raised/60 aria-selected:bg-raised",
        place && "max-md:mb-2",
        table.rowClass?.(row),
      )}
    >
      {selection && (
        <td role="cell" className="w-10 px-3 py-2 max-md:absolute max-md:top-2.5 max-md:right-2 max-md:p-1">
          <SelectRow selection={selection} id={id} ids={ids} name={table.rowName?.(row) ?? id} />
        </td>
      )}
      {columns.map((column) => (
        <td
          key={column.id}
          role="cell"
          className={cn(
            "px-3 py-2 align-middle max-md:flex max-md:items-baseline max-md:gap-2 max-md:p-0 max-md:text-left",
            column.align === "end" && "text-right tabular-nums",
            column.phone === "hide" && "max-md:hidden",
            column.phone === "title" && "max-md:pr-8 max-md:font-medium",
            column.className,
          )}
        >
          {column.phone !== "title" && (
            <span aria-hidden className="w-24 shrink-0 text-xs text-muted md:hidden">
              {column.header}
            </span>
          )}
          <div className={cn("min-w-0 max-md:flex-1 max-md:[overflow-wrap:anywhere]", table.virtual && "truncate")}>{column.cell(row)}</div>
        </td>
      ))}
    </tr>
  );
}

interface VirtualBodyProps<T extends object> {
  rows: readonly Row<Features, T>[];
  span: number;
  onEnd: (() => void) | undefined;
  onSight: ((first: number, last: number) => void) | undefined;
  line: (row: Row<Features, T>, place: Place) => ReactNode;
}

/** As `max-md:mb-2` on each card. */
const CARD_GAP_PX = 8;
const estimateSize = () => (window.innerWidth < 768 ? 150 : 41);

/** The rows near the window, between two empty rows as high as all the others. */
function VirtualBody<T extends object>({ rows, span, onEnd, onSight, line }: VirtualBodyProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    // what stands above may grow or shrink (notices, wrapped filters)
    const look = () => setTop(Math.round((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize,
    // nothing is laid out (yet): a height of none would have the whole table in the page
    measureElement: (element) => Math.round(element.getBoundingClientRect().height) || estimateSize(),
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
    gap: window.innerWidth < 768 ? CARD_GAP_PX : 0,
    scrollMargin: top,
    initialRect: { width: 1024, height: 768 },
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => onSight?.(first, last), [first, last, onSight]);
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 30) onEnd?.();
  }, [last, rows.length, onEnd]);
  const before = (items[0]?.start ?? top) - top;
  const after = virtualizer.getTotalSize() - ((items.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body} role="rowgroup" className="max-md:block">
      <Gap height={before} span={span} />
      {items.map((item) => {
        const row = rows[item.index];
        return row && line(row, { index: item.index, measure: virtualizer.measureElement });
      })}
      <Gap height={after} span={span} />
    </tbody>
  );
}

function Gap({ height, span }: { height: number; span: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden className="max-md:block">
      <td colSpan={span} className="p-0 max-md:block" style={{ height }} />
    </tr>
  );
}
