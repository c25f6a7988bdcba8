/** Fixtures: tasks. */

import type { Emoji, Face, Task } from '@/lib/api/schema';

export const TASK_ID = '0d0bd1a4-5c5c-4d4b-9f5a-00000000000a';
export const EMOJI_ID = '0d0bd1a4-5c5c-4d4b-9f5a-00000000000b';

export function face(number: number, more: Partial<Face> = {}): Face {
  return {
    face: number,
    box: { x: 10 + 100 * number, y: 20, width: 80, height: 90 },
    roll: 0,
    expression: 'happy',
    uncertain: false,
    covered: true,
    scores: { angry: 0.01, disgust: 0.01, fear: 0.02, happy: 0.9, sad: 0.01, surprise: 0.03, neutral: 0.02 },
    ...more,
  };
}

export function task(more: Partial<Task> = {}): Task {
  return {
    task_id: TASK_ID,
    state: 'TASK_STATE_DONE',
    percent: 100,
    faces: [face(0), face(1, { expression: 'sad', uncertain: true })],
    image_url: `/api/v1/faces/tasks/${TASK_ID}/image`,
    emoji_id: EMOJI_ID,
    width: 640,
    height: 480,
    more_faces: false,
    revisable_until: '2999-01-01T00:00:00Z',
    ...more,
  };
}

export function emoji(more: Partial<Emoji> = {}): Emoji {
  const picture = (expression: string) => `/api/v1/emojis/${EMOJI_ID}/images/${expression}?v=1`;
  return {
    id: EMOJI_ID,
    name: 'Cats',
    owner: { id: 'o', alias: 'jiwoo' },
    images: {
      angry: picture('angry'),
      disgust: picture('disgust'),
      fear: picture('fear'),
      happy: picture('happy'),
      sad: picture('sad'),
      surprise: picture('surprise'),
      neutral: picture('neutral'),
    },
    etag: '"1"',
    created_at: '2026-01-01T00:00:00Z',
    built_in: false,
    visibility: 'public',
    tags: [],
    uses: 3,
    favorites: 0,
    is_favorite: false,
    hidden: false,
    ...more,
  };
}

/** Event stream with one event per task state. */
export function eventStream(tasks: Task[]): Response {
  const events = tasks.map((one, index) => ({ sequence: index + 1, heartbeat: false, task: one }));
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
