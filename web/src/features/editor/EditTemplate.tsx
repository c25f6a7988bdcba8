import { Page } from '@/components/Page';

export default function EditTemplate() {
  return <Page title="EditTemplate">…</Page>;
}
