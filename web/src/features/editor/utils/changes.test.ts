import { describe, expect, it } from 'vitest';

import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import { changedFields, draftOf, rebase, type Template } from './changes';
import { reduce, slot, type Draft } from './draft';

const images = Object.fromEntries(EXPRESSIONS.map((key) => [key, `/${key}?v=1`])) as Record<Expression, string>;
const original: Template = {
  id: '1',
  name: 'Cats',
  tags: ['animals'],
  visibility: 'public',
  images,
  etag: 'first',
  worldReadable: true,
};

const withPicture = (draft: Draft, expression: Expression) =>
  reduce(draft, { type: 'chosen', expression, file: new Blob(['png']) });

describe('an edit', () => {
  it('changes nothing at first', () => {
    expect(changedFields(draftOf(original), original)).toEqual([]);
  });

  it('lists only the fields that the user changed', () => {
    const renamed = reduce(draftOf(original), { type: 'named', name: ' Big cats ' });
    expect(changedFields(withPicture(renamed, 'sad'), original)).toEqual(['name', 'sad']);
  });

  it('can remove the last tag', () => {
    expect(changedFields(reduce(draftOf(original), { type: 'tagged', tags: [] }), original)).toEqual(['tags']);
  });
});

describe('rebasing an edit onto a changed template', () => {
  const current: Template = {
    ...original,
    name: 'Kittens',
    images: { ...images, happy: '/happy?v=2' },
    etag: 'second',
  };

  it('keeps the changes of others where the user changed nothing', () => {
    const { draft, theirs, both } = rebase(withPicture(draftOf(original), 'sad'), original, current);
    expect(draft.name).toBe('Kittens');
    expect(slot(draft, 'happy')).toEqual({ state: 'base', url: '/happy?v=2', worldReadable: true });
    expect(slot(draft, 'sad').state).toBe('working');
    expect(theirs).toEqual(['name', 'happy']);
    expect(both).toEqual([]);
    expect(changedFields(draft, current)).toEqual(['sad']);
  });

  it('reports fields that both changed', () => {
    const mine = withPicture(reduce(draftOf(original), { type: 'named', name: 'Lions' }), 'happy');
    const { draft, both } = rebase(mine, original, current);
    expect(draft.name).toBe('Lions');
    expect(both).toEqual(['name', 'happy']);
  });

  it('reports no conflict where both made the same change', () => {
    const { both } = rebase(reduce(draftOf(original), { type: 'named', name: 'Kittens' }), original, current);
    expect(both).toEqual([]);
  });
});
