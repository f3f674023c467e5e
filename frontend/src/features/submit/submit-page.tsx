/** Submitting a job by a form, with what the scheduler would do with it, and the same job as a command and as YAML. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { useMay, useSession } from "@/app/session";
import { toast } from "@/app/toasts";
import { queuesQuery } from "@/features/queues/queries";
import { Button } from "@/ui/button";
import { Notice, PageHead } from "@/ui/card";
import { Beside } from "./beside";
import { CommonFields, MoreFields } from "./fields";
import { type Body, bodyOf, EMPTY, type FormErrors, type JobForm, missing, placeOf } from "./form";
import { begin, DRAFT, forget, keep } from "./kept";
import { listed, Prediction, usePrediction } from "./prediction";

export function SubmitPage() {
  return useMay("member") ? (
    <Form />
  ) : (
    <>
      <PageHead title="Submit a job" />
      <Notice tone="warn">Viewers may look but not submit. Ask an administrator for the role of a member.</Notice>
    </>
  );
}

function Form() {
  const session = useSession();
  const { draft } = useSearch({ from: "/inside/submit" });
  const navigate = useNavigate();
  const queues = useQuery(queuesQuery);
  const [form, setForm] = useState(() => begin(session.user_id, draft === 1));
  const [yaml, setYaml] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const page = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (draft !== 1) return;
    sessionStorage.removeItem(DRAFT);
    keep(session.user_id, form);
    void navigate({ to: "/submit", search: {}, replace: true });
  }, [draft, form, navigate, session.user_id]);

  const queue = queues.data?.find((each) => each.id === form.queue || each.name === form.queue) ?? (form.queue === "" ? queues.data?.[0] : undefined);
  const filled = useMemo(() => (form.queue === "" && queue ? { ...form, queue: queue.name } : form), [form, queue]);
  const { body, errors: unread } = useMemo(() => bodyOf(filled), [filled]);
  const lacking = missing(filled);
  const ready = lacking.length === 0 && Object.keys(unread).length === 0;
  const asked = useMemo(() => ({ ...body, name: body.name || "job", ...(queue ? { queue_id: queue.id } : {}) }), [body, queue]);
  const prediction = usePrediction(ready ? asked : null);

  const submit = useMutation({
    mutationFn: (job: Body) => data(api.POST("/training_jobs", { body: job })),
    onSuccess: async (made) => {
      forget();
      toast(`${made.name} is submitted.`);
      await navigate({ to: "/jobs/$job", params: { job: made.id } });
    },
  });

  const replace = (next: JobForm) => {
    keep(session.user_id, next);
    setForm(next);
    submit.reset();
  };
  const change = (changes: Partial<JobForm>) => {
    setYaml(null);
    replace({ ...filled, ...changes });
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (ready && body.name !== "") submit.mutate({ ...body, ...(queue ? { queue_id: queue.id } : {}) });
    else requestAnimationFrame(() => page.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };

  const refusal = submit.error ?? (ready ? prediction.error : null);
  const errors = errorsOf({ unread, refusal, tried, form: filled });
  const general = submit.error && !placeOf(fieldOf(submit.error)) ? sentence(submit.error) : null;
  return (
    <form ref={page} onSubmit={send} noValidate>
      <PageHead title="Submit a job">
        <Button
          onClick={() => {
            replace(EMPTY);
            setYaml(null);
            setTried(false);
          }}
        >
          Start over
        </Button>
      </PageHead>
      <div className="grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <CommonFields form={filled} errors={errors} change={change} />
          <MoreFields form={filled} errors={errors} change={change} />
        </div>
        <div className="flex min-w-0 flex-col gap-4 xl:sticky xl:top-6 xl:self-start">
          <Prediction lacking={lacking.map((each) => each.what)} unread={!ready} query={prediction} />
          {general && <Notice tone="bad">{general}</Notice>}
          {tried && lacking.length > 0 && <Notice tone="bad">Before it can be submitted, say {listed(lacking.map((each) => each.what))}.</Notice>}
          <Button kind="primary" type="submit" disabled={submit.isPending}>
            {submit.isPending ? "Submitting…" : "Submit"}
          </Button>
          <Beside body={body} queue={queue?.name ?? filled.queue} text={yaml} onText={setYaml} onForm={replace} />
        </div>
      </div>
    </form>
  );
}

/** What is wrong, by field: what cannot be read, what the server refuses, and once somebody has tried, what is missing. */
function errorsOf({ unread, refusal, tried, form }: { unread: FormErrors; refusal: unknown; tried: boolean; form: JobForm }): FormErrors {
  const errors: FormErrors = {};
  if (tried) {
    if (form.name.trim() === "") errors.name = "Give the job a name.";
    for (const { field, what } of missing(form)) errors[field] = `Say ${what}.`;
  }
  const place = placeOf(fieldOf(refusal));
  if (place && refusal) errors[place] = sentence(refusal);
  return { ...errors, ...unread };
}

function fieldOf(error: unknown): string | null {
  return error instanceof ApiError ? (error.field?.replace(/^submit\./, "") ?? null) : null;
}
