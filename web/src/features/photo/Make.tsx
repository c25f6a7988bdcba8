import { Page } from '@/components/Page';

export default function Make() {
  return <Page title="Make">…</Page>;
}
