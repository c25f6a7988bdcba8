import { Page } from '@/components/Page';

export default function ForgotPassword() {
  return <Page title="ForgotPassword">…</Page>;
}
