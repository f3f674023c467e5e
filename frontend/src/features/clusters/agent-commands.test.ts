import { describe, expect, it } from "vitest";
import { commandsFor, isLoopback, quoted } from "./agent-commands";

describe("the commands that make a machine a node", () => {
  const wanted = { endpoint: "https://lilac.example.com", key: "lilac_sk_x", runtime: "process" as const };

  it("hold endpoint, key and runtime, whichever way is taken", () => {
    for (const { steps } of commandsFor(wanted)) {
      const all = steps.map((step) => step.command).join("\n");
      expect(all).toContain("https://lilac.example.com");
      expect(all).toContain("lilac_sk_x");
      expect(all).toContain("process");
    }
  });

  it("never have the key among the words of the agent's command line", () => {
    const shell = commandsFor(wanted)[0]?.steps[0]?.command ?? "";
    expect(shell.split("\n").filter((line) => line.startsWith("lilac ")).join()).not.toContain("lilac_sk_x");
  });

  it("stand in a shell as they are meant", () => {
    expect(quoted("http://head:8080")).toBe("http://head:8080");
    expect(quoted("it's $HOME")).toBe(String.raw`'it'\''s $HOME'`);
  });

  it("warn of addresses that other machines cannot reach", () => {
    expect(["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80"].every(isLoopback)).toBe(true);
    expect(isLoopback("http://head:8080")).toBe(false);
    expect(isLoopback("nonsense")).toBe(false);
  });
});
