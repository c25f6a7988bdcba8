import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Typography from '@mui/material/Typography';
import { skipToken } from '@reduxjs/toolkit/query';
import { useState } from 'react';

import { useGetEmojiQuery } from '@/lib/api/emojis';
import type { Box as Frame, Task } from '@/lib/api/schema';
import { useFormats, useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { Page } from '@/components/Page';

import { originals } from '@/lib/originals';
import { ended, revisable } from '@/lib/tasks/taskState';
import { Actions } from './ResultActions';
import { Compare, ChooseOriginal } from './CompareOriginal';
import { DrawFace } from './DrawFace';
import { FaceList } from './FaceList';
import { FaceMarks } from './FaceMarks';
import { FacePanel } from './FacePanel';
import { bigEnough, middle } from '@/lib/geometry';
import { messages } from '../messages';
import { PhotoFrame } from './PhotoFrame';
import { useResultImage } from '../hooks/useResultImage';
import type { Revision, useTask } from '../hooks/useTask';

interface Props {
  task: Task;
  following: ReturnType<typeof useTask>;
  /** Before the task is deleted: nobody asks for it any more. */
  onDelete: () => void;
}

/** What lies over the photo. */
type Mode = { name: 'faces' } | { name: 'compare' } | { name: 'draw'; frame: Frame };

/** A finished photo and all that its owner can do with it. */
export function Finished({ task, following, onDelete }: Props) {
  const t = useMessages(messages);
  const { dateTime } = useFormats();
  const picture = useResultImage(task.image_url, following.version);
  const { data: emoji } = useGetEmojiQuery(task.emoji_id ? { id: task.emoji_id } : skipToken);
  const [mode, setMode] = useState<Mode>({ name: 'faces' });
  const [selected, setSelected] = useState<number | null>(null);
  const [original, setOriginal] = useState(() => originals.of(task.task_id));
  const { busy, revise, cover } = useRevising(following);
  // As it was when the page was opened: the server has the last word.
  const [now] = useState(() => Date.now());
  const open = revisable(task, now);
  const face = task.faces.find((one) => one.face === selected);
  const updating = busy || !ended(task);

  async function coverFrame(frame: Frame) {
    if (!bigEnough(frame)) return;
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
            {mode.name === 'compare' && original && <Compare original={original} />}
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
                <Button variant="contained" disabled={!bigEnough(mode.frame)} onClick={() => coverFrame(mode.frame)}>
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
                {open && (
                  <Button variant="outlined" onClick={() => setMode({ name: 'draw', frame: middle(task) })}>
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
          {/* On a phone the faces stand right below the photo. */}
          <Box sx={{ order: { xs: 1, md: 0 } }}>
            <Actions task={task} image={picture.image} onDelete={onDelete} />
          </Box>
          <Notes task={task} />
          {task.faces.length > 0 && (
            <FaceList faces={task.faces} emoji={emoji} selected={selected} onSelect={setSelected} />
          )}
          {face && <FacePanel face={face} emoji={emoji} onRevise={open ? revise : null} />}
          <Typography variant="body2" color="textSecondary">
            {open ? task.revisable_until && t.until(dateTime(task.revisable_until)) : t.closed}
          </Typography>
        </Box>
      </Box>
    </Page>
  );
}

/** On a phone they share the width; on a desk each takes what it needs. */
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
      {ended(task) && task.faces.length === 0 && (
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

/** What is asked of the server, and its refusals as notices. */
function useRevising(following: ReturnType<typeof useTask>) {
  const t = useMessages(messages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const [asked, setAsked] = useState(0);

  async function ask(call: Promise<void>): Promise<void> {
    setAsked((count) => count + 1);
    try {
      await call;
    } catch (error) {
      const known = { ORIGINAL_GONE: t.closed, BOX_OUTSIDE: t.boxOutside, TOO_MANY_FACES: t.tooManyFaces };
      dispatch(notified(explain(error, known), 'error'));
    } finally {
      setAsked((count) => count - 1);
    }
  }

  return {
    busy: asked > 0,
    revise: (revision: Revision) => void ask(following.revise(revision)),
    cover: (frame: Frame) => ask(following.cover(frame)),
  };
}
