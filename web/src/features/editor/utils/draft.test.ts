import { describe, expect, it } from 'vitest';
import { type Action, assign, type Draft, EMPTY_DRAFT, expressionIn, normalTags, reduce, slot } from './draft';
import { canBeSaved, problems } from './validation';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';

const pictureUrl = (draft: Draft, expression: Expression) => {
  const there = slot(draft, expression);
  return 'url' in there ? there.url : null;
};
const file = new Blob(['png']);
const images = Object.fromEntries(EXPRESSIONS.map((key) => [key, `/${key}`])) as Record<Expression, string>;
const zoo = { id: 'zoo', name: 'Little Zoo', images, forAll: true };
const after = (draft: Draft, ...actions: Action[]) => actions.reduce(reduce, draft);
const chosen = (expression: Expression): Action => ({ type: 'chosen', expression, file });

describe('the seven places of a template', () => {
  it('are empty at first, and none of them may stay so', () => {
    expect(EXPRESSIONS.map((expression) => slot(EMPTY_DRAFT, expression).state)).toEqual(Array(7).fill('empty'));
    expect(problems({ ...EMPTY_DRAFT, name: 'Mine' }).pictures).toEqual([...EXPRESSIONS]);
  });

  it('are all filled by a set in one go', () => {
    const draft = after(EMPTY_DRAFT, { type: 'named', name: 'Mine' }, { type: 'based', base: zoo });
    expect(pictureUrl(draft, 'happy')).toBe('/happy');
    expect(canBeSaved(problems(draft))).toBe(true);
  });

  it("keep what the person chose when another set is taken, and give the set's back when it is taken away", () => {
    const ready: Action = { type: 'previewed', expression: 'sad', key: 1, url: 'blob:mine', file };
    const draft = after(EMPTY_DRAFT, chosen('sad'), ready, { type: 'based', base: zoo });
    expect(pictureUrl(draft, 'sad')).toBe('blob:mine');
    expect(pictureUrl(reduce(draft, { type: 'removed', expression: 'sad' }), 'sad')).toBe('/sad');
  });

  it('show the picture that was chosen last, even if the preview of an earlier one comes later', () => {
    const late: Action = { type: 'previewed', expression: 'sad', key: 1, url: 'blob:old', file };
    const draft = after(EMPTY_DRAFT, chosen('sad'), chosen('sad'), late);
    expect(slot(draft, 'sad')).toEqual({ state: 'working' });
  });

  it("can't be saved while a preview is on its way or was refused", () => {
    const based = after(EMPTY_DRAFT, { type: 'named', name: 'Mine' }, { type: 'based', base: zoo }, chosen('fear'));
    expect(canBeSaved(problems(based))).toBe(false);
    const refused = reduce(based, { type: 'refused', expression: 'fear', key: 1, fault: 'unreadable' });
    expect(problems(refused)).toMatchObject({ pictures: ['fear'], working: false });
  });

  it('are looked at anew when backgrounds shall stay, except for what is no picture', () => {
    const draft = after(
      EMPTY_DRAFT,
      chosen('sad'),
      { type: 'previewed', expression: 'sad', key: 1, url: 'blob:cut', file },
      chosen('fear'),
      { type: 'refused', expression: 'fear', key: 2, fault: 'unreadable' },
      { type: 'backgroundKept', keep: true },
    );
    const late = reduce(draft, { type: 'previewed', expression: 'sad', key: 1, url: 'blob:cut', file });
    expect(slot(late, 'sad')).toEqual({ state: 'working' });
    expect(slot(late, 'fear').state).toBe('refused');
  });

  it('are looked at again when it failed the first time', () => {
    const draft = after(EMPTY_DRAFT, chosen('sad'), { type: 'refused', expression: 'sad', key: 1, fault: 'failed' });
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
    expect(expressionIn(name)).toBe(expression);
  });

  it('go where their names say, the others where nothing is yet', () => {
    const draft = after(EMPTY_DRAFT, chosen('angry'));
    const files = ['x.png', 'sad.png', 'y.png'].map((name) => ({ name }));
    const places = [...assign(files, draft)].map(([expression, { name }]) => [expression, name]);
    expect(Object.fromEntries(places)).toEqual({ sad: 'sad.png', disgust: 'x.png', fear: 'y.png' });
  });

  it("replace a set's pictures in turn where no place is empty, and never a chosen one", () => {
    const draft = after(EMPTY_DRAFT, { type: 'based', base: zoo }, chosen('angry'));
    const files = Array.from({ length: 9 }, (_, index) => ({ name: `${index}.png` }));
    const places = [...assign(files, draft).keys()];
    expect(places).toHaveLength(6);
    expect(places).not.toContain('angry');
  });
});

describe('name and tags', () => {
  it('must be within the limits, counted in characters as people see them', () => {
    expect(problems({ ...EMPTY_DRAFT, name: '   ' }).name).toBe('missing');
    expect(problems({ ...EMPTY_DRAFT, name: '😀'.repeat(50) }).name).toBeUndefined();
    expect(problems({ ...EMPTY_DRAFT, name: '가'.repeat(51) }).name).toBe('too_long');
    expect(problems({ ...EMPTY_DRAFT, tags: Array.from({ length: 11 }, (_, i) => `t${i}`) }).tags).toBe('too_many');
    expect(problems({ ...EMPTY_DRAFT, tags: ['t'.repeat(21)] }).tags).toBe('too_long');
  });

  it('are tags as the server keeps them', () => {
    expect(normalTags([' Cute  CATS ', 'cute cats', '', '고양이'])).toEqual(['cute cats', '고양이']);
  });
});
