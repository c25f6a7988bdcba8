import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import { useSearchParams } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { POLLING_SECONDS } from '@/lib/api/api';
import { useMessages } from '@/lib/i18n';

import { useListReportsQuery } from './api';
import { moderationMessages } from './messages';
import { ReportedCard } from './ReportedCard';

/** The operators' queue: open and decided reports. */
export default function Reports() {
  const t = useMessages(moderationMessages);
  const [parameters, setParameters] = useSearchParams();
  const decided = parameters.get('decided') === '1';
  return (
    <Page title={t.title} lead={t.lead} width="md">
      <Tabs
        value={decided ? 'decided' : 'waiting'}
        onChange={(_, value) => setParameters(value === 'decided' ? { decided: '1' } : {}, { replace: true })}
        sx={{ mb: 3 }}
      >
        <Tab value="waiting" id="tab-waiting" aria-controls="reports" label={t.waiting} />
        <Tab value="decided" id="tab-decided" aria-controls="reports" label={t.decided} />
      </Tabs>
      <Box role="tabpanel" id="reports" aria-labelledby={decided ? 'tab-decided' : 'tab-waiting'}>
        <Queue key={String(decided)} decided={decided} />
      </Box>
    </Page>
  );
}

/** One page of reports; after a decision the following ones move up. */
function Queue({ decided }: { decided: boolean }) {
  const t = useMessages(moderationMessages);
  const [parameters, setParameters] = useSearchParams();
  const token = parameters.get('after') ?? '';
  const { currentData, error, refetch } = useListReportsQuery(
    { decided, page_token: token },
    { pollingInterval: POLLING_SECONDS * 1000, skipPollingIfUnfocused: true, refetchOnMountOrArgChange: true },
  );
  if (!currentData) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <PageSkeleton />;
  const next = currentData.next_page_token;
  const go = (after: string) => {
    const to = new URLSearchParams(parameters);
    if (after) to.set('after', after);
    else to.delete('after');
    setParameters(to);
  };
  return (
    <Box sx={{ display: 'grid', gap: 2 }}>
      {currentData.reported.length === 0 && (
        <EmptyState face={decided ? 'neutral' : 'happy'} title={decided ? t.nothingDecided : t.nothingWaiting}>
          {decided ? t.nothingDecidedText : t.nothingWaitingText}
        </EmptyState>
      )}
      {currentData.reported.map((reported) => (
        <ReportedCard key={reported.emoji?.id} reported={reported} decided={decided} />
      ))}
      <Box sx={{ display: 'flex', justifyContent: 'center', gap: 1 }}>
        {token && <Button onClick={() => go('')}>{t.toStart}</Button>}
        {next && (
          <Button variant="outlined" onClick={() => go(next)}>
            {t.more}
          </Button>
        )}
      </Box>
    </Box>
  );
}
