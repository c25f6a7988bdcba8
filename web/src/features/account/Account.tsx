import { Page } from '@/components/Page';

export default function Account() {
  return <Page title="Account">…</Page>;
}
