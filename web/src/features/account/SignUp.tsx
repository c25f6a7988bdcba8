import { Page } from '@/components/Page';

export default function SignUp() {
  return <Page title="SignUp">…</Page>;
}
