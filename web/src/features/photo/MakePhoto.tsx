import Alert from '@mui/material/Alert';
import AlertTitle from '@mui/material/AlertTitle';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { skipToken } from '@reduxjs/toolkit/query';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import { useStartGuestMutation } from '@/lib/api/accounts';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import { selectSessionStatus, selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch, useAppSelector } from '@/app/store';
import { LinkButton } from '@/components/LinkButton';
import { Page } from '@/components/Page';

import { takeShared } from '../../../sw/shareTarget';
import { DropZone } from './components/DropZone';
import { problemOf, type PhotoProblem } from '@/lib/photoFiles';
import { messages } from './messages';
import { PhotoCard } from './components/PhotoCard';
import { open, selectPhotos, type Photo } from './photosSlice';
import type { PhotoQueue } from './utils/photoQueue';
import { ChosenTemplate, TemplateChoice, usePopularTemplates } from './components/TemplateChoice';
import { usePhotoQueue } from './hooks/usePhotoQueue';

/** From a template and photos to results. */
export default function Make() {
  const t = useMessages(messages);
  const queue = usePhotoQueue();
  const photos = useAppSelector(selectPhotos);
  const { emojiId, choice } = useTemplate();
  const { add, refused } = useAdd(queue, emojiId);
  const shared = useShared();
  useGoToOnlyResult(photos, queue);
  useSendAgain(photos, queue);

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

/** The template of the address, or else the most popular one, and what to choose another one with. */
function useTemplate() {
  const t = useMessages(messages);
  const [address, setAddress] = useSearchParams();
  const asked = address.get('emoji');
  const { currentData: emoji, error } = useGetEmojiQuery(asked ? { id: asked } : skipToken);
  const { data: popular } = usePopularTemplates(asked !== null && !error);
  // The most popular one when the page was opened: it must not change under one's eyes.
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

/** Photos that another app shared with ours. They wait until a template is chosen. */
function useShared() {
  const [photos, setPhotos] = useState<File[]>([]);
  useEffect(() => {
    if (!('caches' in window)) return;
    takeShared().then(
      (found) => setPhotos((known) => [...known, ...found]),
      () => undefined, // a browser that keeps nothing for us has nothing for us
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
  problem: PhotoProblem;
}

/** Takes files in: what is wrong with one is told at once; who is nobody yet becomes a guest. */
function useAdd(queue: PhotoQueue, emojiId: string | undefined) {
  const status = useAppSelector(selectSessionStatus);
  const dispatch = useAppDispatch();
  const explain = useExplain();
  const [startGuest] = useStartGuestMutation();
  const [refused, setRefused] = useState<RefusedFile[]>([]);

  async function add(files: File[]) {
    const checked = await Promise.all(files.map(async (file) => ({ file, problem: await problemOf(file) })));
    setRefused(checked.flatMap(({ file, problem }) => (problem ? [{ name: file.name, problem }] : [])));
    const good = checked.filter(({ problem }) => !problem).map(({ file }) => file);
    if (good.length === 0 || !emojiId) return;
    try {
      if (status === 'anonymous') await startGuest().unwrap();
      queue.add(good, emojiId);
    } catch (error) {
      dispatch(notified(explain(error), 'error'));
    }
  }
  return { add, refused };
}

/** A photo that is alone leads to its result as soon as it is done; of several, nobody is torn away. */
function useGoToOnlyResult(photos: Photo[], queue: PhotoQueue) {
  const navigate = useNavigate();
  const watched = useRef(new Set<string>());
  useEffect(() => {
    for (const photo of photos) if (open(photo)) watched.current.add(photo.id);
    const [only] = photos;
    if (photos.length !== 1 || only?.phase !== 'done' || !only.taskId || !watched.current.has(only.id)) return;
    void navigate(`/results/${only.taskId}`);
    queue.remove(only.id);
  }, [photos, queue, navigate]);
}

/** What was lost with the connection or the session is sent once more when that is back. */
function useSendAgain(photos: Photo[], queue: PhotoQueue) {
  const status = useAppSelector(selectSessionStatus);
  const retry = useEffectEvent((lost: string) => {
    for (const { id, problem } of photos) if (problem === lost) queue.retry(id);
  });
  useEffect(() => {
    if (status === 'authenticated') retry('UNAUTHENTICATED');
  }, [status]);
  useEffect(() => {
    const online = () => retry('OFFLINE');
    window.addEventListener('online', online);
    return () => window.removeEventListener('online', online);
  }, []);
}

function Photos({ photos, queue }: { photos: Photo[]; queue: PhotoQueue }) {
  const t = useMessages(messages);
  const ended = photos.filter((photo) => !open(photo));
  return (
    <Box sx={{ display: 'grid', gap: 1.5 }}>
      {photos.some(open) && (
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
        {files.map(({ name, problem }, index) => (
          <li key={index}>
            <strong>{name}</strong>: {t[problem]}
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
