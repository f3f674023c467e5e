/** Jobs as the API tells them. */
import type { components } from "@/api/schema.gen";

type Schemas = components["schemas"];
export type JobState = Schemas["JobState"];
export type SubmitJob = Schemas["SubmitJob"];
export type Counts = Schemas["StateCounts"];
/** A job, an element of an array, or (with `array`) an array. */
export type Job = Schemas["JobShape"];
export type ListedJob = Schemas["ListedJobShape"];
export type JobDetail = Schemas["JobDetailShape"];
export type Attempt = Schemas["AttemptShape"];
export type Replica = Schemas["JobReplicaShape"];
export type Explanation = Schemas["ExplanationShape"];

export const ENDED: readonly string[] = ["succeeded", "failed", "cancelled"];

export function isOpen(job: { job_status: string }): boolean {
  return !ENDED.includes(job.job_status);
}
