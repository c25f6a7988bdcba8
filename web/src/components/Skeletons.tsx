import Box from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';

import { defineMessages, useMessages } from '@/lib/i18n';

const messages = defineMessages({ en: { loading: 'Loading…' }, ko: { loading: '불러오는 중…' } });

/** Placeholder for a list of cards that is loading. */
export function CardSkeletons({ count = 8, height = 260 }: { count?: number; height?: number }) {
  const t = useMessages(messages);
  return (
    <Box role="status" aria-label={t.loading} sx={cardGrid}>
      {Array.from({ length: count }, (_, index) => (
        <Skeleton key={index} variant="rounded" height={height} sx={{ borderRadius: 6 }} />
      ))}
    </Box>
  );
}

/** Grid for lists of cards: two columns on a phone, four on larger screens. */
export const cardGrid = {
  display: 'grid',
  gap: { xs: 1.5, sm: 2.5 },
  gridTemplateColumns: { xs: 'repeat(2, minmax(0, 1fr))', md: 'repeat(4, minmax(0, 1fr))' },
} as const;

/** Placeholder for a page that is loading. */
export function PageSkeleton() {
  const t = useMessages(messages);
  return (
    <Box
      role="status"
      aria-label={t.loading}
      sx={{ display: 'grid', gap: 2, py: 4, minHeight: '60vh', alignContent: 'start' }}
    >
      <Skeleton variant="rounded" width="50%" height={44} />
      <Skeleton variant="rounded" width="80%" height={22} />
      <Skeleton variant="rounded" height={280} sx={{ borderRadius: 6 }} />
    </Box>
  );
}
