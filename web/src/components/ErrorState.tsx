import Button from '@mui/material/Button';

import { defineMessages, useMessages } from '@/lib/i18n';
import { useExplain } from '@/lib/api/errorMessages';

import { EmptyState } from './EmptyState';

const messages = defineMessages({
  en: { title: 'That did not work', retry: 'Try again' },
  ko: { title: '불러오지 못했어요', retry: '다시 시도' },
});

interface Props {
  /** Of a query or a mutation. */
  error: unknown;
  onRetry?: () => void;
  /** Sentences for reasons that the feature knows. */
  byReason?: Record<string, string>;
}

/** In place of what could not be loaded. */
export function ErrorState({ error, onRetry, byReason }: Props) {
  const t = useMessages(messages);
  const explain = useExplain();
  return (
    <div role="alert">
      <EmptyState
        face="sad"
        title={t.title}
        action={
          onRetry && (
            <Button variant="contained" onClick={onRetry}>
              {t.retry}
            </Button>
          )
        }
      >
        {explain(error, byReason)}
      </EmptyState>
    </div>
  );
}
