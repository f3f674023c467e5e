import { PageHead } from "@/ui/card";

export function NodePage() {
  return <PageHead title="Node" />;
}
