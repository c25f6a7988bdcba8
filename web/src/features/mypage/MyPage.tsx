import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Pagination from '@mui/material/Pagination';
import Tab from '@mui/material/Tab';
import Tabs from '@mui/material/Tabs';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';

import { FRESH_SECONDS } from '@/lib/api/api';
import { selectUser } from '@/lib/api/session';
import { useGetMyPageQuery } from '@/lib/api/tasks';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/app/store';
import { EmptyState } from '@/components/EmptyState';
import { ErrorState } from '@/components/ErrorState';
import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { cardGrid, CardSkeletons } from '@/components/Skeletons';

import { EmojiCard } from './TemplateCard';
import { messages } from './messages';
import { ResultCard } from './ResultCard';

type Shown = 'results' | 'emojis';

const PAGE_SIZE = 8;

/** What somebody made: emoji photos and templates. */
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
          // On a phone the way out of it stands below what it is about.
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
        <Tab value="results" label={t.results} id="tab-results" aria-controls="made" />
        <Tab value="emojis" label={t.emojis} id="tab-emojis" aria-controls="made" />
      </Tabs>
      <Box role="tabpanel" id="made" aria-labelledby={`tab-${shown}`}>
        <Made key={shown} shown={shown} page={page} onPage={(to) => go(shown, to)} />
      </Box>
    </Page>
  );
}

function Made({ shown, page, onPage }: { shown: Shown; page: number; onPage: (page: number) => void }) {
  const t = useMessages(messages);
  const args = { case: shown === 'results' ? 'result' : 'upload', page_number: page } as const;
  const {
    currentData: data,
    error,
    refetch,
  } = useGetMyPageQuery(args, {
    pollingInterval: FRESH_SECONDS * 1000,
    skipPollingIfUnfocused: true,
  });
  const pages = Math.ceil((data?.total ?? 0) / PAGE_SIZE);

  // The last one of the last page was deleted.
  const beyond = data !== undefined && pages > 0 && page > pages;
  useEffect(() => {
    if (beyond) onPage(pages);
  }, [beyond, pages, onPage]);

  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data || beyond) return <CardSkeletons count={4} />;
  if (data.total === 0) return shown === 'results' ? <NoResults /> : <NoEmojis />;
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
          : data.emojis.map((emoji) => <EmojiCard key={emoji.id} emoji={emoji} />)}
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
    <EmptyState
      face="happy"
      title={t.noResults}
      action={
        <LinkButton variant="contained" to="/make">
          {t.make}
        </LinkButton>
      }
    >
      {t.noResultsText}
    </EmptyState>
  );
}

function NoEmojis() {
  const t = useMessages(messages);
  return (
    <EmptyState
      face="surprise"
      title={t.noEmojis}
      action={
        <LinkButton variant="contained" to="/templates/new">
          {t.create}
        </LinkButton>
      }
    >
      {t.noEmojisText}
    </EmptyState>
  );
}
