import Button from '@mui/material/Button';

import { EmptyState } from '@/components/EmptyState';
import { useMessages } from '@/lib/i18n';

import { galleryMessages } from '../messages';
import { FIRST_PAGE, isFiltered, type GalleryQuery } from '../utils/galleryQuery';

interface Props {
  query: GalleryQuery;
  onChange: (to: Partial<GalleryQuery>) => void;
}

/** Empty state of the gallery, by the reason for it. */
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
    <EmptyState face="neutral" title={t.nothingYet} actionTo="/templates/new" actionLabel={t.make}>
      {t.nothingYetText}
    </EmptyState>
  );
}
