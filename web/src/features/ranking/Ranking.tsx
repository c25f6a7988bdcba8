import Box from '@mui/material/Box';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import { useSearchParams } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { Page } from '@/components/Page';
import { PageSkeleton } from '@/components/Skeletons';
import { POLLING_SECONDS } from '@/lib/api/api';
import { useMessages } from '@/lib/i18n';

import { useGetRankingQuery } from './api';
import { Chart } from './Chart';
import { shownEntries } from './entries';
import { rankingMessages } from './messages';
import { Podium } from './Podium';

const WINDOWS = ['day', 'week', 'month', 'all'] as const;
type Window = (typeof WINDOWS)[number];

/** The most used templates: the first three on a podium, the first ten as bars. */
export default function Ranking() {
  const t = useMessages(rankingMessages);
  const [parameters, setParameters] = useSearchParams();
  const window = WINDOWS.find((known) => known === parameters.get('window')) ?? 'week';
  return (
    <Page title={t.title} lead={t.lead} width="md">
      <Tabs
        value={window}
        onChange={(_, value: Window) =>
          setParameters(value === 'week' ? {} : { window: value }, { replace: true, preventScrollReset: true })
        }
        aria-label={t.window}
        variant="fullWidth"
        sx={{ mb: 4 }}
      >
        {WINDOWS.map((known) => (
          <Tab
            key={known}
            value={known}
            id={`tab-${known}`}
            aria-controls="ranking"
            label={t[known]}
            sx={{ minWidth: 0, px: { xs: 0.5, sm: 2 } }}
          />
        ))}
      </Tabs>
      <Box role="tabpanel" id="ranking" aria-labelledby={`tab-${window}`}>
        <Entries window={window} />
      </Box>
    </Page>
  );
}

function Entries({ window }: { window: Window }) {
  const t = useMessages(rankingMessages);
  const { currentData, error, refetch } = useGetRankingQuery(
    { window, limit: 10 },
    { pollingInterval: POLLING_SECONDS * 1000, skipPollingIfUnfocused: true, refetchOnMountOrArgChange: 5 },
  );
  if (!currentData) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <PageSkeleton />;
  const entries = shownEntries(currentData);
  if (entries.length === 0) {
    return (
      <EmptyState title={t[`empty_${window}`]} actionTo="/templates" actionLabel={t.start}>
        {t.emptyText}
      </EmptyState>
    );
  }
  return (
    <Box sx={{ display: 'grid', gap: 5 }}>
      <Podium entries={entries} />
      <Chart entries={entries} />
    </Box>
  );
}
