import { PageHead } from "@/ui/card";

export function JobPage() {
  return <PageHead title="Job" />;
}
