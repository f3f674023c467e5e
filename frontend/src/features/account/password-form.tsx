/** Changing one's own password. Every other session ends with it. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { policyQuery } from "@/features/session/policy";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/form";

const NOTHING = { old: "", fresh: "", again: "" };

export function PasswordForm() {
  const policy = useQuery(policyQuery);
  const [typed, setTyped] = useState(NOTHING);
  const [errors, setErrors] = useState<Partial<typeof NOTHING>>({});
  const least = policy.data?.password_min_length ?? 1;
  const change = useMutation({
    mutationFn: () => api.POST("/account/password", { body: { old_password: typed.old, new_password: typed.fresh } }),
    onSuccess: () => {
      setTyped(NOTHING);
      toast("Your password is changed. All other sessions are over.");
    },
    onError: (failure) => setErrors(failure instanceof ApiError && failure.field !== "new_password" ? { old: sentence(failure) } : { fresh: sentence(failure) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found: typeof errors = {};
    if (typed.old === "") found.old = "Type the password that you have now.";
    if (typed.fresh.length < least) found.fresh = `At least ${least} characters.`;
    if (typed.again !== typed.fresh) found.again = "This is not the same as above.";
    setErrors(found);
    if (Object.keys(found).length === 0) change.mutate();
  };
  const field = (name: keyof typeof NOTHING, label: string, autoComplete: string) => (
    <Field label={label} error={errors[name]}>
      {(bound) => <Input {...bound} type="password" autoComplete={autoComplete} value={typed[name]} onChange={(event) => setTyped({ ...typed, [name]: event.target.value })} />}
    </Field>
  );
  return (
    <form onSubmit={submit} noValidate className="flex max-w-sm flex-col gap-4">
      {field("old", "Password now", "current-password")}
      {field("fresh", "New password", "new-password")}
      {field("again", "New password again", "new-password")}
      <div>
        <Button kind="primary" type="submit" disabled={change.isPending}>
          {change.isPending ? "Changing…" : "Change password"}
        </Button>
      </div>
    </form>
  );
}
