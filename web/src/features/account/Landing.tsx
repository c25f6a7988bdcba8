import { Page } from '@/components/Page';

export default function Landing() {
  return <Page title="Landing">…</Page>;
}
