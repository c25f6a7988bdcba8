import Button from '@mui/material/Button';

import { useMessages } from '@/lib/i18n';
import { EmptyState } from '@/components/EmptyState';
import { LinkButton } from '@/components/LinkButton';

import { FIRST_PAGE, isFiltered, type GalleryQuery } from '../utils/galleryQuery';
import { galleryMessages } from '../messages';

interface Props {
  query: GalleryQuery;
  onChange: (to: Partial<GalleryQuery>) => void;
}

/** Why the list is empty, and what one can do about it. */
export function NoTemplates({ query, onChange }: Props) {
  const t = useMessages(galleryMessages);
  const showAll = (
    <Button variant="contained" onClick={() => onChange(FIRST_PAGE)}>
      {t.showAll}
    </Button>
  );
  if (query.page > 1) {
    return (
      <EmptyState
        face="surprise"
        title={t.pageEmpty}
        action={
          <Button variant="contained" onClick={() => onChange({ page: 1 })}>
            {t.toFirstPage}
          </Button>
        }
      >
        {t.pageEmptyText}
      </EmptyState>
    );
  }
  if (query.favoritesOnly && !query.q && !query.tag) {
    return (
      <EmptyState face="neutral" title={t.noFavorites} action={showAll}>
        {t.noFavoritesText}
      </EmptyState>
    );
  }
  if (isFiltered(query)) {
    return (
      <EmptyState face="surprise" title={t.nothingFound} action={showAll}>
        {t.nothingFoundText}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      face="neutral"
      title={t.nothingYet}
      action={
        <LinkButton to="/templates/new" variant="contained">
          {t.make}
        </LinkButton>
      }
    >
      {t.nothingYetText}
    </EmptyState>
  );
}
