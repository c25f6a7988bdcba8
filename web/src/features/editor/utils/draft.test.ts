import { describe, expect, it } from 'vitest';

import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import {
  type Action,
  assignFiles,
  type Draft,
  EMPTY_DRAFT,
  expressionOfFileName,
  normalizeTags,
  reduce,
  slot,
} from './draft';
import { isValid, validateDraft } from './validation';

const pictureUrl = (draft: Draft, expression: Expression) => {
  const content = slot(draft, expression);
  return 'url' in content ? content.url : null;
};
const file = new Blob(['png']);
const images = Object.fromEntries(EXPRESSIONS.map((key) => [key, `/${key}`])) as Record<Expression, string>;
const zoo = { id: 'zoo', name: 'Little Zoo', images, worldReadable: true };
const after = (draft: Draft, ...actions: Action[]) => actions.reduce(reduce, draft);
const chosen = (expression: Expression): Action => ({ type: 'chosen', expression, file });

describe('the seven slots of a template', () => {
  it('are empty at first, and all must be filled', () => {
    expect(EXPRESSIONS.map((expression) => slot(EMPTY_DRAFT, expression).state)).toEqual(Array(7).fill('empty'));
    expect(validateDraft({ ...EMPTY_DRAFT, name: 'Mine' }).pictures).toEqual([...EXPRESSIONS]);
  });

  it('are all filled by a base template', () => {
    const draft = after(EMPTY_DRAFT, { type: 'named', name: 'Mine' }, { type: 'based', base: zoo });
    expect(pictureUrl(draft, 'happy')).toBe('/happy');
    expect(isValid(validateDraft(draft))).toBe(true);
  });

  it('keep a chosen picture when the base changes, and show the base again when it is removed', () => {
    const ready: Action = { type: 'previewed', expression: 'sad', key: 1, url: 'blob:mine', file };
    const draft = after(EMPTY_DRAFT, chosen('sad'), ready, { type: 'based', base: zoo });
    expect(pictureUrl(draft, 'sad')).toBe('blob:mine');
    expect(pictureUrl(reduce(draft, { type: 'removed', expression: 'sad' }), 'sad')).toBe('/sad');
  });

  it('ignore the late preview of a replaced picture', () => {
    const late: Action = { type: 'previewed', expression: 'sad', key: 1, url: 'blob:old', file };
    const draft = after(EMPTY_DRAFT, chosen('sad'), chosen('sad'), late);
    expect(slot(draft, 'sad')).toEqual({ state: 'working' });
  });

  it('cannot be saved while a preview is loading or was refused', () => {
    const based = after(EMPTY_DRAFT, { type: 'named', name: 'Mine' }, { type: 'based', base: zoo }, chosen('fear'));
    expect(isValid(validateDraft(based))).toBe(false);
    const refused = reduce(based, { type: 'refused', expression: 'fear', key: 1, reason: 'unreadable' });
    expect(validateDraft(refused)).toMatchObject({ pictures: ['fear'], working: false });
  });

  it('get new previews when the background option changes, except for unreadable files', () => {
    const draft = after(
      EMPTY_DRAFT,
      chosen('sad'),
      { type: 'previewed', expression: 'sad', key: 1, url: 'blob:cut', file },
      chosen('fear'),
      { type: 'refused', expression: 'fear', key: 2, reason: 'unreadable' },
      { type: 'backgroundKept', keep: true },
    );
    const late = reduce(draft, { type: 'previewed', expression: 'sad', key: 1, url: 'blob:cut', file });
    expect(slot(late, 'sad')).toEqual({ state: 'working' });
    expect(slot(late, 'fear').state).toBe('refused');
  });

  it('can retry a preview that failed', () => {
    const draft = after(EMPTY_DRAFT, chosen('sad'), { type: 'refused', expression: 'sad', key: 1, reason: 'failed' });
    expect(slot(reduce(draft, { type: 'retried', expression: 'sad' }), 'sad')).toEqual({ state: 'working' });
  });
});

describe('several files at once', () => {
  it.each([
    ['happy.png', 'happy'],
    ['03_Surprised-Cat.webp', 'surprise'],
    ['행복.jpg', 'happy'],
    ['슬픔'.normalize('NFD') + '.png', 'sad'],
    ['IMG_1234.jpg', null],
  ])('%s is for %s', (name, expression) => {
    expect(expressionOfFileName(name)).toBe(expression);
  });

  it('go to the expression in their name, the others to empty slots', () => {
    const draft = after(EMPTY_DRAFT, chosen('angry'));
    const files = ['x.png', 'sad.png', 'y.png'].map((name) => ({ name }));
    const places = [...assignFiles(files, draft)].map(([expression, { name }]) => [expression, name]);
    expect(Object.fromEntries(places)).toEqual({ sad: 'sad.png', disgust: 'x.png', fear: 'y.png' });
  });

  it('replace pictures of the base if no slot is empty, and never a chosen one', () => {
    const draft = after(EMPTY_DRAFT, { type: 'based', base: zoo }, chosen('angry'));
    const files = Array.from({ length: 9 }, (_, index) => ({ name: `${index}.png` }));
    const places = [...assignFiles(files, draft).keys()];
    expect(places).toHaveLength(6);
    expect(places).not.toContain('angry');
  });
});

describe('name and tags', () => {
  it('must be within the limits, counted in code points', () => {
    expect(validateDraft({ ...EMPTY_DRAFT, name: '   ' }).name).toBe('missing');
    expect(validateDraft({ ...EMPTY_DRAFT, name: '😀'.repeat(50) }).name).toBeUndefined();
    expect(validateDraft({ ...EMPTY_DRAFT, name: '가'.repeat(51) }).name).toBe('too_long');
    expect(validateDraft({ ...EMPTY_DRAFT, tags: Array.from({ length: 11 }, (_, i) => `t${i}`) }).tags).toBe(
      'too_many',
    );
    expect(validateDraft({ ...EMPTY_DRAFT, tags: ['t'.repeat(21)] }).tags).toBe('too_long');
  });

  it('are normalized as the server does', () => {
    expect(normalizeTags([' Cute  CATS ', 'cute cats', '', '고양이'])).toEqual(['cute cats', '고양이']);
  });
});
