import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { ADA, refusal, renderApp } from "@/test/server";

const POLICY = { sign_up: false, sign_up_names: false, first_run: false, hint: null, first_administrator: "admin", password_min_length: 8, password_max_length: 100 };
const QUEUE = { "GET /queues": [], "GET /clusters": { clusters: [] } };

async function type(name: string, password: string) {
  const user = userEvent.setup();
  await user.clear(await screen.findByLabelText("Username"));
  await user.type(screen.getByLabelText("Username"), name);
  await user.type(screen.getByLabelText("Password"), password);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
}

test("the first run says who signs in and where the password is", async () => {
  await renderApp("/login", { "GET /auth/policy": { ...POLICY, first_run: true, hint: "The server printed it once." } });
  expect(await screen.findByText(/Sign in as admin/)).toBeVisible();
  expect(screen.getByText("The server printed it once.")).toBeVisible();
});

test("the server's reply does not change what somebody has begun to type", async () => {
  let reply: (policy: unknown) => void = () => {};
  const policy = new Promise((resolve) => (reply = resolve));
  await renderApp("/login", { "GET /auth/policy": () => policy });
  await userEvent.type(await screen.findByLabelText("Username"), "gra");
  reply({ ...POLICY, first_run: true });
  expect(await screen.findByText(/Sign in as admin/)).toBeVisible();
  await userEvent.type(screen.getByLabelText("Username"), "ce");
  expect(screen.getByLabelText("Username")).toHaveValue("grace");
});

test("a wrong password is told, and too many failures count the seconds down", async () => {
  const server = await renderApp("/login", { "GET /auth/policy": POLICY, "POST /auth/session": refusal(401, "Wrong username or password.") });
  await type("ada", "wrong");
  expect(await screen.findByText("Wrong username or password.")).toBeVisible();
  server.routes["POST /auth/session"] = Response.json({ error: "Too many." }, { status: 429, headers: { "Retry-After": "2" } });
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText(/You can try again in [12] s/)).toBeVisible();
  expect(screen.getByRole("button", { name: "Sign in" })).toBeDisabled();
  await waitFor(() => expect(screen.getByRole("button", { name: "Sign in" })).toBeEnabled(), { timeout: 5000 });
});

test("signing in leads back to where one was, with its search, and never elsewhere", async () => {
  const routes = { ...QUEUE, "GET /account/api-keys": [], "GET /auth/policy": POLICY, "POST /auth/session": ADA };
  const server = await renderApp(`/login?back=${encodeURIComponent("/account?tab=keys")}`, routes);
  expect(await screen.findByText(/Your session is over/)).toBeVisible();
  await type("ada", "right");
  await waitFor(() => expect(server.router.state.location.pathname).toBe("/account"));
  expect(server.router.state.location.search).toEqual({ tab: "keys" });
});

test.each(["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/login?back=x"])("%s is no place to go back to", async (back) => {
  await renderApp(`/login?back=${encodeURIComponent(back)}`, { "GET /auth/policy": POLICY });
  await screen.findByText(/Administrators make accounts/);
  expect(screen.queryByText(/Your session is over/)).toBeNull();
});

test("people sign up only where they may", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/login?back=%2Fqueues", { ...QUEUE, "GET /auth/policy": { ...POLICY, sign_up: true }, "POST /auth/signup": refusal(409, "User already exists"), "POST /auth/session": ADA });
  await user.click(await screen.findByRole("button", { name: "Make one" }));
  await user.type(screen.getByLabelText("Username"), "ada");
  await user.type(screen.getByLabelText("Password"), "long enough");
  await user.type(screen.getByLabelText("Password again"), "long enough");
  await user.click(screen.getByRole("button", { name: "Make account" }));
  expect(await screen.findByText("User already exists")).toBeVisible();
  server.routes["POST /auth/signup"] = { user_id: "u" };
  await user.click(screen.getByRole("button", { name: "Make account" }));
  await waitFor(() => expect(server.router.state.location.pathname).toBe("/queues"));
});
