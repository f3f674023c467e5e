import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { refusal, renderApp } from "./server";

describe("pages rendered against canned replies", () => {
  it("shows a page inside the frame to somebody signed in", async () => {
    const server = await renderApp("/nodes", { "GET /nodes": { nodes: [] }, "GET /clusters": { clusters: [] } });
    expect(await screen.findByRole("heading", { level: 1, name: "Nodes" })).toBeInTheDocument();
    expect(server.sent("GET /auth/session")).toHaveLength(1);
  });

  it("tells what was sent, and answers with refusals", async () => {
    const server = await renderApp("/login", {
      "GET /auth/session": refusal(401, "Nobody is signed in."),
      "POST /auth/session": refusal(401, "Wrong username or password."),
      "POST /auth/session/refresh": refusal(401, "Nobody is signed in."),
      "GET /auth/policy": { signup: "closed", hint: "" },
    });
    await userEvent.type(await screen.findByLabelText("Username"), "ada");
    await userEvent.type(screen.getByLabelText("Password"), "secret");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("Wrong username or password.")).toBeInTheDocument();
    expect(server.sent("POST /auth/session")[0]?.body).toEqual({ username: "ada", password: "secret" });
  });
});
