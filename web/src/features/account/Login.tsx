import { Page } from '@/components/Page';

export default function Login() {
  return <Page title="Login">…</Page>;
}
