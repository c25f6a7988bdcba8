import Box from '@mui/material/Box';
import { useSyncExternalStore } from 'react';

import { useMessages } from '@/lib/i18n';
import { shellMessages } from './messages';

function subscribe(changed: () => void) {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}

/** Tells that there is no network, for as long as there is none. */
export function OfflineBar() {
  const t = useMessages(shellMessages);
  const online = useOnline();
  // The region is there before it says something, or a screen reader misses it.
  return (
    <div role="status">
      {!online && (
        <Box sx={{ px: 2, py: 1, textAlign: 'center', bgcolor: 'text.primary', color: 'background.default' }}>
          {t.offline}
        </Box>
      )}
    </div>
  );
}
