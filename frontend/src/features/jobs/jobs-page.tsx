import { PageHead } from "@/ui/card";

export function JobsPage() {
  return <PageHead title="Jobs" />;
}
