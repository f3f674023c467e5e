/** What can go wrong between this page and the control plane, as one kind of error with a sentence for people. */

export class ApiError extends Error {
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number;
  /** The stable word of the error (`docs/reference/errors.md`). */
  readonly code: string;
  /** The field of the request that is wrong, in the API's words; null when it is none in particular. */
  readonly field: string | null;
  /** Seconds after which another try makes sense; null when the server does not say. */
  readonly retryAfterS: number | null;

  constructor(told: { status: number; message: string; code?: string; field?: string | null; retryAfterS?: number | null }) {
    super(told.message);
    this.name = "ApiError";
    this.status = told.status;
    this.code = told.code ?? "unknown";
    this.field = told.field ?? null;
    this.retryAfterS = told.retryAfterS ?? null;
  }
}

export const UNREACHABLE = "The control plane does not answer. This page tries again by itself.";

/** The error of a reply: its JSON sentence, or words of our own for replies that are not the API's. */
export async function errorOf(response: Response): Promise<ApiError> {
  let body: { error?: unknown; code?: unknown; field?: unknown } = {};
  try {
    body = (await response.clone().json()) as typeof body;
  } catch {
    // a proxy's page, or nothing: the status has to do
  }
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiError({
    status: response.status,
    message: typeof body.error === "string" ? body.error : `The control plane answered ${response.status} without a reason.`,
    code: typeof body.code === "string" ? body.code : "unknown",
    field: typeof body.field === "string" ? body.field : null,
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
  });
}

/** A sentence for any failure. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
