import { screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Task } from '@/lib/api/schema';
import { minji, renderApp } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji, eventStream, face, task, TASK_ID } from '@/test/tasks';

import Result from './Result';

const TASK = '*/api/v1/faces/tasks/:id';

function show(given: Task) {
  server.use(http.get(TASK, () => HttpResponse.json(given)));
  return renderApp(<Result />, {
    user: minji,
    at: `/results/${TASK_ID}`,
    path: '/results/:taskId',
    others: [{ path: '/me', element: <p>my page</p> }],
  });
}

beforeEach(() => {
  // jsdom does not implement object URLs.
  URL.createObjectURL = vi.fn(() => 'blob:photo');
  URL.revokeObjectURL = vi.fn();
  server.use(
    http.get('*/api/v1/emojis/:id', () => HttpResponse.json(emoji())),
    http.get(`${TASK}/image`, () => new HttpResponse('jpeg', { headers: { 'content-type': 'image/jpeg' } })),
  );
});

describe('a result', () => {
  it('shows the scores of a face, highest first, and whether the AI is sure', async () => {
    const { person } = show(task());
    const [mark] = await screen.findAllByRole('button', { name: 'Face 2, Sad, The AI is not sure' });
    await person.click(mark!);
    expect(screen.getByText('The AI is not sure')).toBeVisible();
    const scores = screen.getAllByRole('listitem').map((item) => item.textContent);
    expect(scores).toHaveLength(7);
    expect(scores[0]).toBe('Happy90%');
  });

  it('revises a face with an optimistic update, and loads the new result', async () => {
    const requests: unknown[] = [];
    let photos = 0;
    const revised = task({ faces: [face(0, { expression: 'fear' }), face(1)] });
    const { person } = show(task());
    server.use(
      http.patch(`${TASK}/faces/:face`, async ({ request, params }) => {
        requests.push([params['face'], await request.json()]);
        return HttpResponse.json({ ...revised, state: 'TASK_STATE_QUEUED' }, { status: 202 });
      }),
      // The stream starts with the first run, whose end is not the end of the revision.
      http.get(`${TASK}/events`, () =>
        eventStream([task(), task({ state: 'TASK_STATE_QUEUED', image_url: '' }), revised]),
      ),
      http.get(`${TASK}/image`, () => {
        photos += 1;
        return new HttpResponse('jpeg', { headers: { 'content-type': 'image/jpeg' } });
      }),
    );
    const [mark] = await screen.findAllByRole('button', { name: 'Face 1, Happy' });
    await person.click(mark!);
    await person.click(screen.getByRole('radio', { name: 'Afraid' }));
    expect(screen.getAllByRole('button', { name: 'Face 1, Afraid' })).not.toHaveLength(0);
    await vi.waitFor(() => expect(photos).toBe(2));
    expect(requests).toEqual([['0', { expression: 'fear' }]]);
    await vi.waitFor(() => expect(screen.queryByText('Updating the photo…')).toBeNull());
    expect(screen.getByRole('radio', { name: 'Afraid' })).toBeChecked();
  });

  it('undoes a revision that the server refuses, and shows why', async () => {
    const { person } = show(task());
    server.use(http.patch(`${TASK}/faces/:face`, () => refusal(400, 'ORIGINAL_GONE')));
    const [mark] = await screen.findAllByRole('button', { name: 'Face 1, Happy' });
    await person.click(mark!);
    await person.click(screen.getByRole('switch', { name: 'Cover this face' }));
    expect(await screen.findByText(/can’t be changed any more/)).toBeVisible();
    expect(screen.getByRole('switch', { name: 'Cover this face' })).toBeChecked();
  });

  it('cannot be revised when its original was deleted', async () => {
    const { person } = show(task({ revisable_until: '2020-01-01T00:00:00Z' }));
    const [mark] = await screen.findAllByRole('button', { name: 'Face 1, Happy' });
    await person.click(mark!);
    expect(screen.getByRole('radio', { name: 'Afraid' })).toBeDisabled();
    expect(screen.getByRole('switch', { name: 'Cover this face' })).toBeDisabled();
    expect(screen.queryByRole('button', { name: 'Mark a missed face' })).toBeNull();
    expect(screen.getByText(/its original was deleted/)).toBeVisible();
  });

  it('says that no face was found', async () => {
    show(task({ faces: [] }));
    expect(await screen.findByText('No face was found')).toBeVisible();
  });

  it('says that not all faces are covered', async () => {
    show(task({ more_faces: true }));
    expect(await screen.findByText(/more than 200 faces/)).toBeVisible();
  });

  it('adds a face with the keyboard', async () => {
    const boxes: unknown[] = [];
    const { person } = show(task({ faces: [] }));
    server.use(
      http.post(`${TASK}/faces`, async ({ request }) => {
        boxes.push(await request.json());
        return HttpResponse.json(task({ state: 'TASK_STATE_QUEUED' }), { status: 202 });
      }),
      http.get(`${TASK}/events`, () => eventStream([task({ faces: [face(0)] })])),
    );
    await person.click(await screen.findByRole('button', { name: 'Mark a missed face' }));
    await person.keyboard('{ArrowRight}{Enter}');
    expect((await screen.findAllByRole('button', { name: 'Face 1, Happy' })).length).toBeGreaterThan(0);
    // A fifth of the shorter side, in the middle, and a step of a fiftieth to the right.
    expect(boxes).toEqual([{ box: { x: 272 + 12.8, y: 192, width: 96, height: 96 } }]);
  });

  it('is deleted after a confirmation, and leads to my page', async () => {
    let deleted = false;
    const { person } = show(task());
    server.use(
      http.delete(TASK, () => {
        deleted = true;
        return HttpResponse.json({});
      }),
    );
    await person.click(await screen.findByRole('button', { name: 'Delete' }));
    expect(deleted).toBe(false);
    await person.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Delete' }));
    expect(await screen.findByText('my page')).toBeVisible();
    expect(deleted).toBe(true);
  });
});

describe('a task without a result', () => {
  it('is followed to its end', async () => {
    const working = task({ state: 'TASK_STATE_DETECTING', percent: 10, faces: [], image_url: '' });
    let finish = () => {};
    const finished = new Promise<void>((done) => (finish = done));
    server.use(http.get(`${TASK}/events`, () => finished.then(() => eventStream([working, task()]))));
    show(working);
    expect(await screen.findByText('Looking for faces')).toBeVisible();
    finish();
    expect((await screen.findAllByRole('button', { name: 'Face 1, Happy' })).length).toBeGreaterThan(0);
  });

  it('shows why it failed', async () => {
    show(task({ state: 'TASK_STATE_FAILED', image_url: '', error: { reason: 'LIMIT', message: 'took too long' } }));
    expect(await screen.findByText('This photo took too long. Try a smaller one.')).toBeVisible();
    expect(screen.getByRole('link', { name: 'Try another photo' })).toHaveAttribute(
      'href',
      expect.stringContaining('/make?emoji='),
    );
  });

  it('is not found by other users', async () => {
    server.use(http.get(TASK, () => refusal(404, 'TASK_NOT_FOUND')));
    renderApp(<Result />, { user: minji, at: `/results/${TASK_ID}`, path: '/results/:taskId' });
    expect(await screen.findByText(/There is no such photo here/)).toBeVisible();
  });
});
