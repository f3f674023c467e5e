import { PageHead } from "@/ui/card";

export function SubmitPage() {
  return <PageHead title="Submit" />;
}
