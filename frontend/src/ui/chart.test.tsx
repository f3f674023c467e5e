import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { Chart } from "./chart";

const percent = (value: number) => `${value}%`;

describe("a chart", () => {
  it("says what it shows in words", () => {
    render(<Chart title="GPU" times={[0, 10, 20]} series={[{ label: "used", values: [10, 30, 20] }]} format={percent} />);
    expect(screen.getByRole("figure", { name: "GPU" })).toHaveTextContent("used: 20% at the end, between 10% and 30%.");
  });
  it("says so when there are no samples, also where a limit is known", () => {
    const series = [
      { label: "used", values: [null, null] },
      { label: "capacity", values: [100, 100], look: "limit" as const },
    ];
    render(<Chart title="GPU" times={[0, 10]} series={series} format={percent} empty="No GPU tells its load." />);
    expect(screen.getByRole("figure")).toHaveTextContent("No GPU tells its load.");
    expect(screen.queryByText("capacity")).not.toBeInTheDocument();
  });
});
