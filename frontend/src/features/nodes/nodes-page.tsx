import { PageHead } from "@/ui/card";

export function NodesPage() {
  return <PageHead title="Nodes" />;
}
