import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { type Column, DataTable } from "./data-table";
import { useSelection } from "./selection";

interface Node {
  id: string;
  name: string;
  cores: number | null;
}
const NODES: Node[] = [
  { id: "1", name: "node-10", cores: 4 },
  { id: "2", name: "node-9", cores: null },
  { id: "3", name: "<b>node-1</b>", cores: 64 },
];
const COLUMNS: Column<Node>[] = [
  { id: "name", header: "Name", cell: (node) => node.name, sort: (node) => node.name },
  { id: "cores", header: "Cores", cell: (node) => node.cores ?? "–", sort: (node) => node.cores, align: "end" },
  { id: "more", header: "More", cell: () => "…" },
];
const names = () => screen.getAllByRole("row").slice(1).map((row) => within(row).getAllByRole("cell").find((cell) => cell.textContent?.includes("node"))?.textContent);

function Ticked({ onChosen }: { onChosen: (ids: string[]) => void }) {
  const selection = useSelection();
  onChosen([...selection.chosen]);
  return <DataTable label="Nodes" rows={NODES} columns={COLUMNS} rowId={(node) => node.id} rowName={(node) => node.name} selection={selection} />;
}

describe("a table", () => {
  it("sorts by a column, numbers in names as numbers, and what has no value last both ways", async () => {
    render(<DataTable label="Nodes" rows={NODES} columns={COLUMNS} rowId={(node) => node.id} />);
    await userEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(screen.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "ascending");
    expect(names().map((name) => name?.replace("Name", ""))).toEqual(["<b>node-1</b>", "node-9", "node-10"]);
    await userEvent.click(screen.getByRole("button", { name: "Cores" }));
    expect(names().at(-1)).toContain("node-9");
    await userEvent.click(screen.getByRole("button", { name: "Cores" }));
    expect(names().at(-1)).toContain("node-9");
    expect(screen.queryByRole("button", { name: "More" })).toBeNull();
  });

  it("leaves the order to the page that keeps it", async () => {
    const told = vi.fn();
    function Page() {
      const [sort, setSort] = useState<string | undefined>("name");
      return <DataTable label="Nodes" rows={NODES} columns={COLUMNS} rowId={(node) => node.id} sort={sort} onSort={(next) => (told(next), setSort(next))} />;
    }
    render(<Page />);
    await userEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(told).toHaveBeenCalledWith("-name");
    expect(screen.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  });

  it("hides columns, and shows markup as text", () => {
    render(<DataTable label="Nodes" rows={NODES} columns={COLUMNS} rowId={(node) => node.id} hidden={["cores"]} />);
    expect(screen.queryByRole("columnheader", { name: "Cores" })).toBeNull();
    expect(screen.getByText("<b>node-1</b>")).toBeInTheDocument();
  });

  it("ticks single rows, ranges with Shift by mouse and by key, and all", async () => {
    let chosen: string[] = [];
    render(<Ticked onChosen={(ids) => (chosen = ids)} />);
    const box = (name: string) => screen.getByRole("checkbox", { name });
    const user = userEvent.setup();
    await user.click(box("Select node-10"));
    await user.keyboard("{Shift>}");
    await user.click(box("Select <b>node-1</b>"));
    await user.keyboard("{/Shift}");
    expect(chosen.toSorted()).toEqual(["1", "2", "3"]);
    await user.click(box("Select all rows shown"));
    expect(chosen).toEqual([]);
    box("Select node-9").focus();
    await user.keyboard(" ");
    expect(chosen).toEqual(["2"]);
  });

  it("puts only the rows near the window into the page when it is virtual", () => {
    const many = Array.from({ length: 100_000 }, (_, n) => ({ id: String(n), name: `node-${n}`, cores: n }));
    render(<DataTable label="Nodes" rows={many} columns={COLUMNS} rowId={(node) => node.id} virtual />);
    const rows = screen.getAllByRole("row");
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(100);
    expect(screen.getByRole("table")).toHaveAttribute("aria-rowcount", "100001");
  });

  it("says what to do when it has no rows", () => {
    render(<DataTable label="Nodes" rows={[]} columns={COLUMNS} rowId={(node: Node) => node.id} empty={<p>Join a node.</p>} />);
    expect(screen.getByText("Join a node.")).toBeInTheDocument();
  });
});
