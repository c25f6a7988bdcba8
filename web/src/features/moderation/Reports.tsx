import { Page } from '@/components/Page';

export default function Reports() {
  return <Page title="Reports">…</Page>;
}
