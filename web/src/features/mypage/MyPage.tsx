import { Page } from '@/components/Page';

export default function MyPage() {
  return <Page title="MyPage">…</Page>;
}
