import Box from '@mui/material/Box';
import Pagination from '@mui/material/Pagination';
import PaginationItem from '@mui/material/PaginationItem';
import Typography from '@mui/material/Typography';
import { Link, useSearchParams } from 'react-router';

import { ErrorState } from '@/components/ErrorState';
import { AddIcon } from '@/components/icons';
import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { CardSkeletons, cardGrid } from '@/components/Skeletons';
import { POLLING_SECONDS } from '@/lib/api/api';
import { useListEmojisQuery } from '@/lib/api/emojis';
import type { ListEmojisResponse } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';

import { GalleryFilters } from './components/GalleryFilters';
import { NoTemplates } from './components/NoTemplates';
import { TemplateCard } from './components/TemplateCard';
import { galleryMessages } from './messages';
import { changeQuery, formatGalleryQuery, pageCount, parseGalleryQuery, type GalleryQuery } from './utils/galleryQuery';

/** All public templates, eight per page. The query is in the address. */
export default function Gallery() {
  const t = useMessages(galleryMessages);
  const [parameters, setParameters] = useSearchParams();
  const query = parseGalleryQuery(parameters);
  const { data, currentData, error, refetch } = useListEmojisQuery(toRequest(query), {
    pollingInterval: POLLING_SECONDS * 1000,
    skipPollingIfUnfocused: true,
    refetchOnMountOrArgChange: 5,
  });
  const change = (to: Partial<GalleryQuery>) =>
    setParameters(formatGalleryQuery(changeQuery(query, to)), { replace: 'q' in to, preventScrollReset: true });

  return (
    <Page
      title={t.title}
      lead={t.lead}
      actions={
        <LinkButton to="/templates/new" variant="contained" startIcon={<AddIcon />}>
          {t.make}
        </LinkButton>
      }
    >
      <GalleryFilters query={query} onChange={change} tags={data ? tagsOf(data) : []} />
      {!data && !error && <CardSkeletons height={330} />}
      {error && !currentData ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        data && <Templates query={query} list={data} stale={!currentData} onChange={change} />
      )}
    </Page>
  );
}

interface TemplatesProps {
  query: GalleryQuery;
  list: ListEmojisResponse;
  /** The previous list, shown while the next one is loading. */
  stale: boolean;
  onChange: (to: Partial<GalleryQuery>) => void;
}

function Templates({ query, list, stale, onChange }: TemplatesProps) {
  const t = useMessages(galleryMessages);
  const { number } = useFormats();
  if (list.emojis.length === 0) return <NoTemplates query={query} onChange={onChange} />;
  const pages = pageCount(query.page, {
    total: list.total,
    totalIsExact: list.total_is_exact,
    hasNext: list.next_page_token !== '',
  });
  return (
    <Box aria-busy={stale} sx={{ opacity: stale ? 0.5 : 1, transition: 'opacity 150ms' }}>
      <Typography role="status" variant="body2" color="textSecondary" sx={{ mb: 1.5 }}>
        {t.counted(number(list.total), list.total_is_exact)}
      </Typography>
      <Box component="ul" sx={{ ...cardGrid, listStyle: 'none', p: 0, m: 0 }}>
        {list.emojis.map((emoji, index) => (
          <Box component="li" key={emoji.id} sx={{ display: 'flex' }}>
            <TemplateCard emoji={emoji} first={index < 2} />
          </Box>
        ))}
      </Box>
      {pages > 1 && (
        <Pagination
          aria-label={t.pages}
          getItemAriaLabel={(type, number) =>
            type === 'page' || type === 'previous' || type === 'next' ? t[`page_${type}`](number ?? 1) : ''
          }
          page={query.page}
          count={pages}
          siblingCount={0}
          color="primary"
          sx={{ mt: 4, display: 'flex', justifyContent: 'center' }}
          renderItem={(item) => (
            <PaginationItem
              component={Link}
              to={{ search: formatGalleryQuery({ ...query, page: item.page ?? 1 }).toString() }}
              {...item}
            />
          )}
        />
      )}
    </Box>
  );
}

function toRequest(query: GalleryQuery) {
  return {
    page_number: query.page,
    q: query.q,
    tag: query.tag,
    sort: query.sort,
    ...(query.favoritesOnly && { favorites_only: true }),
  };
}

function tagsOf(list: ListEmojisResponse): string[] {
  return [...new Set(list.emojis.flatMap((emoji) => emoji.tags))].slice(0, 12);
}
