import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { skipToken } from '@reduxjs/toolkit/query';
import { useState } from 'react';

import { Page } from '@/components/Page';
import { useGetEmojiQuery } from '@/lib/api/emojis';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Box as Frame, Task } from '@/lib/api/schema';
import { centerBox, isLargeEnough } from '@/lib/geometry';
import { useFormats, useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useOriginals } from '@/lib/originals';
import { useAppDispatch } from '@/lib/store';
import { isEnded, isRevisable } from '@/lib/tasks/taskState';

import { useResultImage } from '../hooks/useResultImage';
import type { Revision, useTask } from '../hooks/useTask';
import { messages } from '../messages';
import { CompareOriginal, ChooseOriginal } from './CompareOriginal';
import { DrawFace } from './DrawFace';
import { FaceList } from './FaceList';
import { FaceMarks } from './FaceMarks';
import { FacePanel } from './FacePanel';
import { PhotoFrame } from './PhotoFrame';
import { ResultActions } from './ResultActions';

interface Props {
  task: Task;
  following: ReturnType<typeof useTask>;
  /** Called before the task is deleted, so that it is not loaded again. */
  onDelete: () => void;
}

/** The layer over the photo. */
type Mode = { name: 'faces' } | { name: 'compare' } | { name: 'draw'; frame: Frame };

/** A result with its faces and actions. */
export function FinishedResult({ task, following, onDelete }: Props) {
  const t = useMessages(messages);
  const { dateTime } = useFormats();
  const picture = useResultImage(task.image_url, following.version);
  const { data: emoji } = useGetEmojiQuery(task.emoji_id ? { id: task.emoji_id } : skipToken);
  const [mode, setMode] = useState<Mode>({ name: 'faces' });
  const [selected, setSelected] = useState<number | null>(null);
  const originals = useOriginals();
  const [original, setOriginal] = useState(() => originals.get(task.task_id));
  const { busy, revise, cover } = useRevisions(following);
  // The time when the page was opened; the server enforces the deadline.
  const [now] = useState(() => Date.now());
  const canRevise = isRevisable(task, now);
  const face = task.faces.find((one) => one.face === selected);
  const updating = busy || !isEnded(task);

  async function coverFrame(frame: Frame) {
    if (!isLargeEnough(frame)) return;
    setMode({ name: 'faces' });
    await cover(frame);
  }

  return (
    <Page title={t.title} lead={task.faces.length > 0 ? t.hint : undefined}>
      <Box
        sx={{
          display: 'grid',
          gap: { xs: 2, md: 4 },
          gridTemplateColumns: { xs: 'minmax(0, 1fr)', md: 'minmax(0, 1fr) 340px' },
          alignItems: 'start',
        }}
      >
        <Box sx={{ display: 'grid', gap: 2, position: { md: 'sticky' }, top: { md: 96 } }}>
          <PhotoFrame task={task} picture={picture} updating={updating}>
            {mode.name === 'faces' && <FaceMarks task={task} selected={selected} onSelect={setSelected} />}
            {mode.name === 'compare' && original && <CompareOriginal original={original} />}
            {mode.name === 'draw' && (
              <DrawFace
                photo={task}
                frame={mode.frame}
                onFrame={(frame) => setMode({ name: 'draw', frame })}
                onCover={() => coverFrame(mode.frame)}
                onCancel={() => setMode({ name: 'faces' })}
              />
            )}
          </PhotoFrame>
          {mode.name === 'compare' && !original && <ChooseOriginal onChoose={setOriginal} />}
          {mode.name === 'draw' && <Typography variant="body2">{t.drawHint}</Typography>}
          <Box sx={tools}>
            {mode.name === 'draw' && (
              <>
                <Button
                  variant="contained"
                  disabled={!isLargeEnough(mode.frame)}
                  onClick={() => coverFrame(mode.frame)}
                >
                  {t.coverFrame}
                </Button>
                <Button onClick={() => setMode({ name: 'faces' })}>{t.cancel}</Button>
              </>
            )}
            {mode.name === 'faces' && (
              <>
                <Button variant="outlined" onClick={() => setMode({ name: 'compare' })}>
                  {t.compare}
                </Button>
                {canRevise && (
                  <Button variant="outlined" onClick={() => setMode({ name: 'draw', frame: centerBox(task) })}>
                    {t.draw}
                  </Button>
                )}
              </>
            )}
            {mode.name === 'compare' && (
              <Button variant="outlined" onClick={() => setMode({ name: 'faces' })}>
                {t.compareEnd}
              </Button>
            )}
          </Box>
        </Box>

        <Box sx={{ display: 'grid', gap: 2.5, minWidth: 0 }}>
          {/* On a phone the faces come first, right below the photo. */}
          <Box sx={{ order: { xs: 1, md: 0 } }}>
            <ResultActions task={task} image={picture.image} onDelete={onDelete} />
          </Box>
          <Notes task={task} />
          {task.faces.length > 0 && (
            <FaceList faces={task.faces} emoji={emoji} selected={selected} onSelect={setSelected} />
          )}
          {face && <FacePanel face={face} emoji={emoji} onRevise={canRevise ? revise : null} />}
          <Typography variant="body2" color="textSecondary">
            {canRevise ? task.revisable_until && t.until(dateTime(task.revisable_until)) : t.closed}
          </Typography>
        </Box>
      </Box>
    </Page>
  );
}

/** Equal columns on a phone; on larger screens each button has its natural width. */
const tools = {
  display: { xs: 'grid', md: 'flex' },
  gridAutoFlow: 'column',
  gridAutoColumns: '1fr',
  gap: 1,
  '& .MuiButton-root': { px: { xs: 1, md: 2.5 }, lineHeight: 1.2 },
} as const;

function Notes({ task }: { task: Task }) {
  const t = useMessages(messages);
  return (
    <>
      {isEnded(task) && task.faces.length === 0 && (
        <Alert severity="warning">
          <strong>{t.noFaces}</strong>
          <br />
          {t.noFacesText}
        </Alert>
      )}
      {task.more_faces && <Alert severity="warning">{t.moreFaces}</Alert>}
      {task.state === 'TASK_STATE_FAILED' && <Alert severity="error">{t.updateFailed}</Alert>}
    </>
  );
}

/** Revise faces, and show errors as notices. */
function useRevisions(following: ReturnType<typeof useTask>) {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const [pending, setPending] = useState(0);

  async function run(call: Promise<void>): Promise<void> {
    setPending((count) => count + 1);
    try {
      await call;
    } catch (error) {
      const known = { ORIGINAL_GONE: t.closed, BOX_OUTSIDE: t.boxOutside, TOO_MANY_FACES: t.tooManyFaces };
      dispatch(notified(errorMessage(error, known), 'error'));
    } finally {
      setPending((count) => count - 1);
    }
  }

  return {
    busy: pending > 0,
    revise: (revision: Revision) => void run(following.revise(revision)),
    cover: (frame: Frame) => run(following.cover(frame)),
  };
}
