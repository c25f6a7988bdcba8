import { describe, expect, it } from 'vitest';
import { changedFields, draftOf, rebase, type Template } from './changes';
import { type Draft, reduce, slot } from './draft';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';

const images = Object.fromEntries(EXPRESSIONS.map((key) => [key, `/${key}?v=1`])) as Record<Expression, string>;
const original: Template = {
  id: '1',
  name: 'Cats',
  tags: ['animals'],
  visibility: 'public',
  images,
  etag: 'first',
  forAll: true,
};

const withPicture = (draft: Draft, expression: Expression) =>
  reduce(draft, { type: 'chosen', expression, file: new Blob(['png']) });

describe('an edit', () => {
  it('changes nothing at first', () => {
    expect(changedFields(draftOf(original), original)).toEqual([]);
  });

  it('is what the person changed, and no more', () => {
    const renamed = reduce(draftOf(original), { type: 'named', name: ' Big cats ' });
    expect(changedFields(withPicture(renamed, 'sad'), original)).toEqual(['name', 'sad']);
  });

  it('takes the last tag away', () => {
    expect(changedFields(reduce(draftOf(original), { type: 'tagged', tags: [] }), original)).toEqual(['tags']);
  });
});

describe('an edit of a template that somebody changed meanwhile', () => {
  const present: Template = {
    ...original,
    name: 'Kittens',
    images: { ...images, happy: '/happy?v=2' },
    etag: 'second',
  };

  it('keeps what is theirs where the person changed nothing', () => {
    const { draft, theirs, both } = rebase(withPicture(draftOf(original), 'sad'), original, present);
    expect(draft.name).toBe('Kittens');
    expect(slot(draft, 'happy')).toEqual({ state: 'base', url: '/happy?v=2', forAll: true });
    expect(slot(draft, 'sad').state).toBe('working');
    expect(theirs).toEqual(['name', 'happy']);
    expect(both).toEqual([]);
    expect(changedFields(draft, present)).toEqual(['sad']);
  });

  it('tells where both changed the same', () => {
    const mine = withPicture(reduce(draftOf(original), { type: 'named', name: 'Lions' }), 'happy');
    const { draft, both } = rebase(mine, original, present);
    expect(draft.name).toBe('Lions');
    expect(both).toEqual(['name', 'happy']);
  });

  it('does not make a fuss where both made the same change', () => {
    const { both } = rebase(reduce(draftOf(original), { type: 'named', name: 'Kittens' }), original, present);
    expect(both).toEqual([]);
  });
});
