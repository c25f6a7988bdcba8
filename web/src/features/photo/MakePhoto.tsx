import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { skipToken } from '@reduxjs/toolkit/query';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';
import { useStartGuestMutation } from '@/lib/api/accounts';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectSessionStatus, selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { checkPhotoFile, type PhotoFileError } from '@/lib/photoFiles';
import { useAppDispatch, useAppSelector } from '@/lib/store';

import { takeSharedPhotos } from '../../../sw/shareTarget';
import { DropZone } from './components/DropZone';
import { PhotoCard } from './components/PhotoCard';
import { ChosenTemplate, TemplateChoice, usePopularTemplates } from './components/TemplateChoice';
import { usePhotoQueue } from './hooks/usePhotoQueue';
import { messages } from './messages';
import { isOpen, selectPhotos, type Photo } from './photosSlice';
import type { PhotoQueue } from './utils/photoQueue';

/** The page for making results: choose a template, add photos, watch their progress. */
export default function MakePhoto() {
  const t = useMessages(messages);
  const queue = usePhotoQueue();
  const photos = useAppSelector(selectPhotos);
  const { emojiId, choice } = useTemplate();
  const { add, refused } = useAdd(queue, emojiId);
  const shared = useShared();
  useGoToOnlyResult(photos, queue);
  useRetryFailed(photos, queue);

  return (
    <Page title={t.title} lead={t.lead}>
      <Box sx={{ display: 'grid', gap: { xs: 3, md: 5 }, gridTemplateColumns: { xs: '1fr', md: '5fr 7fr' } }}>
        <Box component="section" sx={{ display: 'grid', gap: 2, alignContent: 'start', minWidth: 0 }}>
          <Typography variant="h3" component="h2">
            {t.template}
          </Typography>
          {choice}
        </Box>
        <Box component="section" sx={{ display: 'grid', gap: 2, alignContent: 'start', minWidth: 0 }}>
          <Typography variant="h3" component="h2">
            {t.photos}
          </Typography>
          {shared.photos.length > 0 && (
            <SharedPhotos
              count={shared.photos.length}
              ready={emojiId !== undefined}
              onBegin={() => add(shared.take())}
            />
          )}
          <DropZone onFiles={add} />
          {refused.length > 0 && <Refused files={refused} />}
          {photos.length > 0 && <Photos photos={photos} queue={queue} />}
          <GuestNotice />
          <Typography variant="body2" sx={{ p: 2, borderRadius: 1, bgcolor: 'action.hover' }}>
            {t.aiNotice}
          </Typography>
        </Box>
      </Box>
    </Page>
  );
}

/** Return the template of the address, or else the most used one, and the controls for another choice. */
function useTemplate() {
  const t = useMessages(messages);
  const [address, setAddress] = useSearchParams();
  const asked = address.get('emoji');
  const { currentData: emoji, error } = useGetEmojiQuery(asked ? { id: asked } : skipToken);
  const { data: popular } = usePopularTemplates(asked !== null && !error);
  // The most used one when the page was opened: the choice must not change by itself.
  const [first, setFirst] = useState<string>();
  if (!first && popular?.emojis[0]) setFirst(popular.emojis[0].id);
  const emojiId = (error ? undefined : asked) ?? first;
  const choose = (id: string | null) =>
    setAddress(id ? { emoji: id } : {}, { replace: true, preventScrollReset: true });

  const [choosing, setChoosing] = useState(false);
  const choice =
    emoji && !choosing ? (
      <>
        <ChosenTemplate emoji={emoji} />
        <Button sx={{ justifySelf: 'start', px: 1.5, ml: -1.5 }} onClick={() => setChoosing(true)}>
          {t.change}
        </Button>
      </>
    ) : (
      <>
        {error && <Alert severity="warning">{t.templateGone}</Alert>}
        <TemplateChoice
          chosen={emojiId}
          onChoose={(id) => {
            choose(id);
            setChoosing(true);
          }}
        />
      </>
    );
  return { emojiId, choice };
}

/** Load photos that another app shared (share target). They wait until a template is chosen. */
function useShared() {
  const [photos, setPhotos] = useState<File[]>([]);
  useEffect(() => {
    if (!('caches' in window)) return;
    takeSharedPhotos().then(
      (found) => setPhotos((known) => [...known, ...found]),
      () => undefined, // a browser without cache storage has no shared photos
    );
  }, []);
  function take(): File[] {
    setPhotos([]);
    return photos;
  }
  return { photos, take };
}

function SharedPhotos({ count, ready, onBegin }: { count: number; ready: boolean; onBegin: () => void }) {
  const t = useMessages(messages);
  return (
    <Alert
      severity="success"
      icon={false}
      action={
        <Button variant="contained" disabled={!ready} onClick={onBegin}>
          {t.sharedBegin}
        </Button>
      }
    >
      <AlertTitle>{t.shared(count)}</AlertTitle>
      {t.sharedText}
    </Alert>
  );
}

interface RefusedFile {
  name: string;
  error: PhotoFileError;
}

/** Check files, start a guest session if there is none, and add them to the queue. */
function useAdd(queue: PhotoQueue, emojiId: string | undefined) {
  const status = useAppSelector(selectSessionStatus);
  const dispatch = useAppDispatch();
  const errorMessage = useErrorMessage();
  const [startGuest] = useStartGuestMutation();
  const [refused, setRefused] = useState<RefusedFile[]>([]);

  async function add(files: File[]) {
    const checked = await Promise.all(files.map(async (file) => ({ file, error: await checkPhotoFile(file) })));
    setRefused(checked.flatMap(({ file, error }) => (error ? [{ name: file.name, error }] : [])));
    const accepted = checked.filter(({ error }) => !error).map(({ file }) => file);
    if (accepted.length === 0 || !emojiId) return;
    try {
      if (status === 'anonymous') await startGuest().unwrap();
      queue.add(accepted, emojiId);
    } catch (error) {
      dispatch(notified(errorMessage(error), 'error'));
    }
  }
  return { add, refused };
}

/** Navigate to the result when a single photo is done. With several photos the user stays on the page. */
function useGoToOnlyResult(photos: Photo[], queue: PhotoQueue) {
  const navigate = useNavigate();
  const watched = useRef(new Set<string>());
  useEffect(() => {
    for (const photo of photos) if (isOpen(photo)) watched.current.add(photo.id);
    const [only] = photos;
    if (photos.length !== 1 || only?.phase !== 'done' || !only.taskId || !watched.current.has(only.id)) return;
    void navigate(`/results/${only.taskId}`);
    queue.remove(only.id);
  }, [photos, queue, navigate]);
}

/** Retry photos that failed without a connection or a session when it is back. */
function useRetryFailed(photos: Photo[], queue: PhotoQueue) {
  const status = useAppSelector(selectSessionStatus);
  const retry = useEffectEvent((cause: string) => {
    for (const { id, reason } of photos) if (reason === cause) queue.retry(id);
  });
  useEffect(() => {
    if (status === 'authenticated') retry('UNAUTHENTICATED');
  }, [status]);
  useEffect(() => {
    const onOnline = () => retry('OFFLINE');
    window.addEventListener('online', onOnline);
    return () => window.removeEventListener('online', onOnline);
  }, []);
}

function Photos({ photos, queue }: { photos: Photo[]; queue: PhotoQueue }) {
  const t = useMessages(messages);
  const ended = photos.filter((photo) => !isOpen(photo));
  return (
    <Box sx={{ display: 'grid', gap: 1.5 }}>
      {photos.some(isOpen) && (
        <Typography variant="h4" component="p" aria-live="polite">
          {t.analysing}
        </Typography>
      )}
      <Box component="ul" sx={{ display: 'grid', gap: 1.5, m: 0, p: 0, listStyle: 'none' }}>
        {photos.map((photo) => (
          <PhotoCard key={photo.id} photo={photo} queue={queue} large={photos.length === 1} />
        ))}
      </Box>
      {ended.length > 1 && (
        <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap' }}>
          <LinkButton to="/me" variant="outlined">
            {t.allResults}
          </LinkButton>
          <Button onClick={() => ended.forEach(({ id }) => queue.remove(id))}>{t.clearEnded}</Button>
        </Box>
      )}
    </Box>
  );
}

function Refused({ files }: { files: RefusedFile[] }) {
  const t = useMessages(messages);
  return (
    <Alert severity="error">
      <AlertTitle>{t.refused}</AlertTitle>
      <Box component="ul" sx={{ m: 0, pl: 2 }}>
        {files.map(({ name, error }, index) => (
          <li key={index}>
            <strong>{name}</strong>: {t[error]}
          </li>
        ))}
      </Box>
    </Alert>
  );
}

function GuestNotice() {
  const t = useMessages(messages);
  const user = useAppSelector(selectUser);
  if (user && user.role !== 'guest') return null;
  if (!user) return <Typography variant="body2">{t.guestBegin}</Typography>;
  return (
    <Alert
      severity="warning"
      icon={false}
      action={
        <LinkButton to="/signup" size="small">
          {t.signUp}
        </LinkButton>
      }
    >
      <AlertTitle>{t.guestTitle}</AlertTitle>
      {t.guestText}
    </Alert>
  );
}
