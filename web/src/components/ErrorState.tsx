import Button from '@mui/material/Button';

import { useErrorMessage } from '@/lib/api/errorMessages';
import { defineMessages, useMessages } from '@/lib/i18n';

import { EmptyState } from './EmptyState';

const messages = defineMessages({
  en: { title: 'That did not work', retry: 'Try again' },
  ko: { title: '불러오지 못했어요', retry: '다시 시도' },
});

interface Props {
  /** Error of a query or a mutation. */
  error: unknown;
  onRetry?: () => void;
  /** The feature's own messages, by error reason. */
  byReason?: Record<string, string>;
}

/** Shown in place of content that could not be loaded. */
export function ErrorState({ error, onRetry, byReason }: Props) {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
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
        {errorMessage(error, byReason)}
      </EmptyState>
    </div>
  );
}
