import { Page } from '@/components/Page';

export default function ResetPassword() {
  return <Page title="ResetPassword">…</Page>;
}
