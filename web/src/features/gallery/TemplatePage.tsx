import { Page } from '@/components/Page';

export default function TemplatePage() {
  return <Page title="TemplatePage">…</Page>;
}
