import { PageHead } from "@/ui/card";

export function AccountPage() {
  return <PageHead title="Account" />;
}
