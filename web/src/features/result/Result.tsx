import { Page } from '@/components/Page';

export default function Result() {
  return <Page title="Result">…</Page>;
}
