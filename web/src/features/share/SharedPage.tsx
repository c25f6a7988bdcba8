import { Page } from '@/components/Page';

export default function SharedPage() {
  return <Page title="SharedPage">…</Page>;
}
