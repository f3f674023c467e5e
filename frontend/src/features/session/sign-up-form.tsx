/** Making an account for oneself, where the server allows it. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import type { components } from "@/api/schema.gen";
import { signIn } from "@/app/session";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { Field, Input } from "@/ui/form";
import { doorSentence, useBackOff } from "./back-off";

type Errors = Partial<Record<"username" | "password" | "again" | "general", string>>;

export function SignUpForm({ policy, onDone }: { policy: components["schemas"]["PolicyShape"]; onDone: () => Promise<void> }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState({ username: "", password: "", again: "" });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const pause = useBackOff();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found: Errors = {};
    if (typed.username.trim() === "") found.username = "Choose a name to sign in with.";
    if (typed.password.length < policy.password_min_length) found.password = `At least ${policy.password_min_length} characters.`;
    if (typed.again !== typed.password) found.again = "This is not the same as above.";
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      await api.POST("/auth/signup", { body: { username: typed.username.trim(), password: typed.password } });
      await signIn(client, typed.username.trim(), typed.password);
      await onDone();
    } catch (failure) {
      const words = doorSentence(failure) ?? sentence(failure);
      const field = failure instanceof ApiError ? (failure.field ?? (failure.status === 409 || failure.status === 403 ? "username" : "general")) : "general";
      if (!pause.note(failure)) setErrors({ [field]: words });
      setBusy(false);
    }
  };
  const field = (name: keyof typeof typed, label: string, more: object) => (
    <Field label={label} error={errors[name]}>
      {(bound) => <Input {...bound} {...more} value={typed[name]} onChange={(event) => setTyped({ ...typed, [name]: event.target.value })} />}
    </Field>
  );
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      {policy.sign_up_names && <Notice tone="info">Only names that an administrator has allowed can be taken.</Notice>}
      {field("username", "Username", { autoComplete: "username", autoCapitalize: "none", spellCheck: false })}
      {field("password", "Password", { type: "password", autoComplete: "new-password" })}
      {field("again", "Password again", { type: "password", autoComplete: "new-password" })}
      {errors.general && <Notice tone="bad">{errors.general}</Notice>}
      {pause.left > 0 && <Notice tone="warn">Too many attempts. You can try again in {pause.left} s.</Notice>}
      <Button kind="primary" type="submit" disabled={busy || pause.left > 0}>
        {busy ? "Making it…" : "Make account"}
      </Button>
    </form>
  );
}
