import Alert from '@mui/material/Alert';
import Snackbar from '@mui/material/Snackbar';

import { noticeClosed } from '@/lib/notices';
import { useAppDispatch, useAppSelector } from '@/lib/store';

/** Show notices one at a time. */
export default function NoticeBar() {
  const notice = useAppSelector((state) => state.notices[0]);
  const dispatch = useAppDispatch();
  if (!notice) return null;
  const close = () => dispatch(noticeClosed(notice.id));
  return (
    <Snackbar
      key={notice.id}
      open
      autoHideDuration={6000}
      onClose={(_, reason) => reason !== 'clickaway' && close()}
      sx={{ bottom: { xs: 88, md: 24 } }}
    >
      <Alert severity={notice.severity} variant="filled" onClose={close} sx={{ width: 1 }}>
        {notice.text}
      </Alert>
    </Snackbar>
  );
}
