import { Page } from '@/components/Page';

export default function NewTemplate() {
  return <Page title="NewTemplate">…</Page>;
}
