import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { ADA, type Call, refusal, renderApp } from "@/test/server";

const POLICY = { sign_up: false, sign_up_names: false, first_run: false, hint: null, first_administrator: "admin", password_min_length: 8, password_max_length: 100 };
const KEY = { id: "k-1", prefix: "lilac_sk_ab", created_at: "2026-11-01T00:00:00Z", last_used_at: null, expires_at: "2020-01-01T00:00:00Z", name: "<u>old</u>", scope: "read" };

test("a key is made with scope and end, shown once, and gone when that is closed", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/account?tab=keys", {
    "GET /account/api-keys": [KEY],
    "POST /account/api-keys": ({ body }: Call) => ({ ...KEY, ...(body as object), id: "k-2", key: "lilac_sk_secret" }),
  });
  expect(await screen.findByText("<u>old</u>")).toBeVisible();
  expect(screen.getByText("expired")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "New key" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("button", { name: "Make key" }));
  expect(within(dialog).getByText(/Give it a name/)).toBeVisible();
  await user.type(within(dialog).getByLabelText("Name"), "laptop");
  await user.selectOptions(within(dialog).getByLabelText("It may"), "read");
  await user.selectOptions(within(dialog).getByLabelText("It ends"), "7");
  await user.click(within(dialog).getByRole("button", { name: "Make key" }));
  expect(await screen.findByText("lilac_sk_secret")).toBeVisible();
  const sent = server.sent("POST /account/api-keys")[0]?.body as { name: string; scope: string; expires_at: string };
  expect(sent).toMatchObject({ name: "laptop", scope: "read" });
  expect(Math.round((Date.parse(sent.expires_at) - Date.now()) / 86_400_000)).toBe(7);
  await user.click(screen.getByRole("button", { name: "I have kept it" }));
  expect(screen.queryByText("lilac_sk_secret")).toBeNull();
});

test("a new password is typed twice, and a wrong old one is told at its field", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/account", { "GET /auth/policy": POLICY, "POST /account/password": refusal(403, "Forbidden: old_password is wrong.", { field: "old_password" }) });
  await user.type(await screen.findByLabelText("Password now"), "wrong");
  await user.type(screen.getByLabelText("New password"), "long enough");
  await user.type(screen.getByLabelText("New password again"), "long enouhg");
  await user.click(screen.getByRole("button", { name: "Change password" }));
  expect(screen.getByText("This is not the same as above.")).toBeVisible();
  expect(server.sent("POST /account/password")).toEqual([]);
  await user.clear(screen.getByLabelText("New password again"));
  await user.type(screen.getByLabelText("New password again"), "long enough");
  await user.click(screen.getByRole("button", { name: "Change password" }));
  expect(await screen.findByText("Forbidden: old_password is wrong.")).toBeVisible();
});

test("a secret is set without being shown, and viewers have no secrets", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/account?tab=secrets", { "GET /secrets": { secrets: [] }, "PUT /secrets/{}": {} });
  await user.type(await screen.findByLabelText("Name"), "TOKEN");
  await user.type(screen.getByLabelText("Value"), "hidden");
  await user.click(screen.getByRole("button", { name: "Set secret" }));
  await waitFor(() => expect(server.sent("PUT /secrets/{}")[0]?.body).toEqual({ value: "hidden", shared: false }));
  expect(screen.getByLabelText("Value")).toHaveValue("");
  server.client.setQueryData(["session"], { ...ADA, role: "viewer" });
  await waitFor(() => expect(screen.queryByRole("tab", { name: "Secrets" })).toBeNull());
});

test("administrators make users and change roles; others see no users", async () => {
  const user = userEvent.setup();
  const bob = { user_id: "u-2", username: "<b>bob</b>", first_name: null, last_name: null, role: "member", created_at: "2026-11-01T00:00:00Z", disabled: false };
  const server = await renderApp("/users", {
    "GET /auth/policy": POLICY,
    "GET /users": { users: [bob] },
    "POST /users": refusal(409, "User already exists"),
    "PATCH /users/{}": refusal(409, "This is the last administrator who can sign in; make another one first."),
  });
  await user.selectOptions(await screen.findByLabelText("Role of <b>bob</b>"), "viewer");
  expect(await screen.findByText(/This is the last administrator/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "New user" }));
  const dialog = await screen.findByRole("dialog");
  await user.type(within(dialog).getByLabelText("Username"), "bob");
  await user.type(within(dialog).getByLabelText("Password"), "short");
  await user.click(within(dialog).getByRole("button", { name: "Create user" }));
  expect(within(dialog).getByText("At least 8 characters.")).toBeVisible();
  await user.type(within(dialog).getByLabelText("Password"), " no more");
  await user.click(within(dialog).getByRole("button", { name: "Create user" }));
  expect(await within(dialog).findByText("User already exists")).toBeVisible();
  expect(server.sent("POST /users")[0]?.body).toMatchObject({ username: "bob", role: "member", first_name: null });
  server.client.setQueryData(["session"], { ...ADA, role: "member" });
  expect(await screen.findByText(/Only administrators manage accounts/)).toBeVisible();
});
