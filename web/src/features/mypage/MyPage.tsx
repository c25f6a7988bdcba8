import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Pagination from '@mui/material/Pagination';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { cardGrid, CardSkeletons } from '@/components/Skeletons';
import { POLLING_SECONDS } from '@/lib/api/api';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { useGetMyPageQuery } from './api';
import { messages } from './messages';
import { ResultCard } from './ResultCard';
import { TemplateCard } from './TemplateCard';

type Shown = 'results' | 'emojis';

const PAGE_SIZE = 8;

/** The user's own results and templates. */
export default function MyPage() {
  const t = useMessages(messages);
  const user = useAppSelector(selectUser);
  const [address, setAddress] = useSearchParams();
  const shown: Shown = address.get('tab') === 'emojis' ? 'emojis' : 'results';
  const page = Math.max(Number.parseInt(address.get('page') ?? '1', 10) || 1, 1);

  function go(tab: Shown, to = 1) {
    setAddress({ ...(tab === 'emojis' && { tab }), ...(to > 1 && { page: String(to) }) });
  }

  return (
    <Page title={t.title}>
      {user?.role === 'guest' && (
        <Alert
          severity="warning"
          icon={false}
          // On a phone the button goes below the text.
          sx={{
            mb: 2,
            flexWrap: { xs: 'wrap', sm: 'nowrap' },
            '& .MuiAlert-action': { pl: { xs: 0, sm: 2 }, ml: { xs: 0, sm: 'auto' } },
          }}
          action={
            <LinkButton to="/signup" size="small" variant="outlined">
              {t.signUp}
            </LinkButton>
          }
        >
          <AlertTitle>{t.guestTitle}</AlertTitle>
          {t.guestText}
        </Alert>
      )}
      <Tabs
        value={shown}
        onChange={(_, tab: Shown) => go(tab)}
        variant="fullWidth"
        aria-label={t.tabs}
        sx={{ mb: 3, maxWidth: { md: 480 } }}
      >
        <Tab value="results" label={t.results} id="tab-results" aria-controls="my-items" />
        <Tab value="emojis" label={t.emojis} id="tab-emojis" aria-controls="my-items" />
      </Tabs>
      <Box role="tabpanel" id="my-items" aria-labelledby={`tab-${shown}`}>
        <MyItems key={shown} shown={shown} page={page} onPage={(to) => go(shown, to)} />
      </Box>
    </Page>
  );
}

function MyItems({ shown, page, onPage }: { shown: Shown; page: number; onPage: (page: number) => void }) {
  const t = useMessages(messages);
  const args = { case: shown === 'results' ? 'result' : 'upload', page_number: page } as const;
  const {
    currentData: data,
    error,
    refetch,
  } = useGetMyPageQuery(args, {
    pollingInterval: POLLING_SECONDS * 1000,
    skipPollingIfUnfocused: true,
  });
  const pages = Math.ceil((data?.total ?? 0) / PAGE_SIZE);

  // The last item of the last page was deleted: go to the page before.
  const beyond = data !== undefined && pages > 0 && page > pages;
  useEffect(() => {
    if (beyond) onPage(pages);
  }, [beyond, pages, onPage]);

  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data || beyond) return <CardSkeletons count={4} />;
  if (data.total === 0) return shown === 'results' ? <NoResults /> : <NoTemplates />;
  return (
    <Box sx={{ display: 'grid', gap: 3 }}>
      {shown === 'emojis' && (
        <LinkButton variant="contained" to="/templates/new" sx={{ justifySelf: 'start' }}>
          {t.create}
        </LinkButton>
      )}
      <Box component="ul" sx={{ ...cardGrid, m: 0, p: 0, listStyle: 'none' }}>
        {shown === 'results'
          ? data.results.map((result) => <ResultCard key={result.task_id} result={result} />)
          : data.emojis.map((emoji) => <TemplateCard key={emoji.id} emoji={emoji} />)}
      </Box>
      {pages > 1 && (
        <Pagination
          count={pages}
          page={page}
          onChange={(_, to) => onPage(to)}
          aria-label={t.pages}
          getItemAriaLabel={(_type, number) => t.page(number ?? 1)}
          hidePrevButton
          hideNextButton
          color="primary"
          sx={{ justifySelf: 'center' }}
        />
      )}
    </Box>
  );
}

function NoResults() {
  const t = useMessages(messages);
  return (
    <EmptyState face="happy" title={t.noResults} actionTo="/make" actionLabel={t.make}>
      {t.noResultsText}
    </EmptyState>
  );
}

function NoTemplates() {
  const t = useMessages(messages);
  return (
    <EmptyState face="surprise" title={t.noEmojis} actionTo="/templates/new" actionLabel={t.create}>
      {t.noEmojisText}
    </EmptyState>
  );
}
