import { Page } from '@/components/Page';

export default function Ranking() {
  return <Page title="Ranking">…</Page>;
}
