import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Chip from '@mui/material/Chip';
import { lazy, Suspense, useState } from 'react';
import { Link } from 'react-router';

import { EditIcon, FlagIcon, LinkIcon, TrashIcon } from '@/components/icons';
import { LinkButton } from '@/components/LinkButton';
import type { Emoji } from '@/lib/api/schema';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch, useAppSelector } from '@/lib/store';

import { templateMessages } from '../messages';
import { formatGalleryQuery, FIRST_PAGE } from '../utils/galleryQuery';
import { DeleteTemplateDialog } from './DeleteTemplateDialog';
import { FavoriteButton } from './FavoriteButton';

const ReportDialog = lazy(() => import('./ReportDialog'));

/** Actions on a template: for everybody, for users, for its maker. */
export function TemplateActions({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const user = useAppSelector(selectUser);
  const isMine = user !== null && user.id === emoji.owner?.id;
  return (
    <Box sx={{ display: 'grid', gap: 2.5, alignContent: 'start' }}>
      <Notes emoji={emoji} />
      <LinkButton to={`/make?emoji=${emoji.id}`} variant="contained" size="large">
        {t.use}
      </LinkButton>
      <Box
        sx={{
          display: 'flex',
          flexWrap: 'wrap',
          gap: { xs: 0, sm: 1 },
          '& .MuiButton-root': { px: { xs: 1.25, sm: 2.5 } },
        }}
      >
        <FavoriteButton emoji={emoji} />
        <ShareButton emoji={emoji} />
        {isMine ? <MakerActions emoji={emoji} /> : <ReportButton emoji={emoji} />}
      </Box>
      <LinkButton to={`/templates/new?base=${emoji.id}`} variant="outlined">
        {t.makeFromThis}
      </LinkButton>
      {emoji.tags.length > 0 && (
        <Box
          component="ul"
          aria-label={t.tags}
          sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, p: 0, m: 0, listStyle: 'none' }}
        >
          {emoji.tags.map((tag) => (
            <li key={tag}>
              <Chip
                clickable
                component={Link}
                to={`/templates?${formatGalleryQuery({ ...FIRST_PAGE, tag }).toString()}`}
                variant="outlined"
                label={`#${tag}`}
              />
            </li>
          ))}
        </Box>
      )}
    </Box>
  );
}

function Notes({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  if (emoji.hidden) return <Alert severity="warning">{t.hiddenNote}</Alert>;
  if (emoji.visibility === 'private') return <Alert severity="info">{t.onlyYou}</Alert>;
  if (emoji.visibility === 'unlisted') return <Alert severity="info">{t.unlistedNote}</Alert>;
  return null;
}

/** Share with the share sheet of a phone, or copy the link to the clipboard. */
function ShareButton({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const dispatch = useAppDispatch();
  if (emoji.visibility === 'private' || emoji.hidden) return null;
  const link = `${location.origin}/templates/${emoji.id}`;
  const share = async () => {
    if ('share' in navigator && matchMedia('(pointer: coarse)').matches) {
      await navigator.share({ title: emoji.name, url: link }).catch(() => undefined); // closing the sheet is fine
      return;
    }
    try {
      await navigator.clipboard.writeText(link);
      dispatch(notified(t.linkCopied));
    } catch {
      dispatch(notified(t.linkNotCopied(link), 'info'));
    }
  };
  return (
    <Button startIcon={<LinkIcon />} onClick={() => void share()}>
      {t.share}
    </Button>
  );
}

function MakerActions({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <LinkButton to={`/templates/${emoji.id}/edit`} startIcon={<EditIcon />}>
        {t.edit}
      </LinkButton>
      <Button color="error" startIcon={<TrashIcon />} onClick={() => setAsking(true)}>
        {t.remove}
      </Button>
      <DeleteTemplateDialog emoji={emoji} open={asking} onClose={() => setAsking(false)} />
    </>
  );
}

function ReportButton({ emoji }: { emoji: Emoji }) {
  const t = useMessages(templateMessages);
  const user = useAppSelector(selectUser);
  const dispatch = useAppDispatch();
  // Null: never opened, so not loaded. It stays mounted when closed, to keep the text.
  const [open, setOpen] = useState<boolean | null>(null);
  if (emoji.built_in) return null;
  return (
    <>
      <Button
        startIcon={<FlagIcon />}
        onClick={() => (user ? setOpen(true) : dispatch(notified(t.logInToReport, 'info')))}
      >
        {t.report}
      </Button>
      <Suspense fallback={null}>
        {open !== null && <ReportDialog emoji={emoji} open={open} onClose={() => setOpen(false)} />}
      </Suspense>
    </>
  );
}
