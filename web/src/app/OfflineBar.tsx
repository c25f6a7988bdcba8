import Box from '@mui/material/Box';

import { useOnline } from '@/lib/hooks/useOnline';
import { useMessages } from '@/lib/i18n';

import { appMessages } from './messages';

/** Notice at the top of the window while there is no network. */
export function OfflineBar() {
  const t = useMessages(appMessages);
  const online = useOnline();
  // The live region must exist before its text appears, or screen readers miss it.
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
