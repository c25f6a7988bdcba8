/** A template in the making: what a person has given so far, apart from what it is made from. No browser, no server. */

import { EXPRESSIONS, type Expression } from '@/lib/expressions';
import { type Visibility } from './templateLimits';

/** One picture that the person chose. Its preview is how it would be stored; it takes a moment. */
export interface Picture {
  /** Of this picture with this background: a preview that comes late is known by it. */
  key: number;
  /** As it was chosen, and as it is sent once the preview is there. */
  file: Blob;
  preview: { state: 'working' } | { state: 'ready'; url: string } | { state: 'refused'; fault: PictureFault };
}

export type PictureFault = 'unreadable' | 'too_large' | 'refused' | 'failed';

/** A template whose pictures stand where the person has given none. */
export interface Source {
  id: string;
  name: string;
  images: Record<Expression, string>;
  /** Its pictures can be had without the access token. */
  forAll: boolean;
}

export interface Draft {
  name: string;
  tags: string[];
  visibility: Visibility;
  keepBackground: boolean;
  base: Source | null;
  pictures: Partial<Record<Expression, Picture>>;
  nextKey: number;
}

export const EMPTY_DRAFT: Draft = {
  name: '',
  tags: [],
  visibility: 'public',
  keepBackground: false,
  base: null,
  pictures: {},
  nextKey: 1,
};

export type Slot =
  | { state: 'empty' }
  | { state: 'base'; url: string; forAll: boolean }
  | { state: 'working' }
  | { state: 'ready'; url: string }
  | { state: 'refused'; fault: PictureFault };

export type Action =
  | { type: 'named'; name: string }
  | { type: 'tagged'; tags: string[] }
  | { type: 'shown'; visibility: Visibility }
  | { type: 'backgroundKept'; keep: boolean }
  | { type: 'based'; base: Source | null }
  | { type: 'chosen'; expression: Expression; file: Blob }
  | { type: 'retried'; expression: Expression }
  | { type: 'previewed'; expression: Expression; key: number; url: string; file: Blob }
  | { type: 'refused'; expression: Expression; key: number; fault: PictureFault }
  | { type: 'removed'; expression: Expression }
  | { type: 'replaced'; draft: Draft };

export function reduce(draft: Draft, action: Action): Draft {
  switch (action.type) {
    case 'named':
      return { ...draft, name: action.name };
    case 'tagged':
      return { ...draft, tags: normalTags(action.tags) };
    case 'shown':
      return { ...draft, visibility: action.visibility };
    case 'backgroundKept':
      return previewedAgain({ ...draft, keepBackground: action.keep });
    case 'based':
      return { ...draft, base: action.base };
    case 'chosen':
      return withPicture(draft, action.expression, action.file);
    case 'retried': {
      const picture = draft.pictures[action.expression];
      return picture ? withPicture(draft, action.expression, picture.file) : draft;
    }
    case 'previewed':
      return withPreview(draft, action, { file: action.file, preview: { state: 'ready', url: action.url } });
    case 'refused':
      return withPreview(draft, action, { preview: { state: 'refused', fault: action.fault } });
    case 'removed':
      return { ...draft, pictures: without(draft.pictures, action.expression) };
    case 'replaced':
      return action.draft;
  }
}

/** What stands in the place of an expression. */
export function slot(draft: Draft, expression: Expression): Slot {
  const picture = draft.pictures[expression];
  if (picture) return picture.preview;
  const { base } = draft;
  return base ? { state: 'base', url: base.images[expression], forAll: base.forAll } : { state: 'empty' };
}

/** Which pictures go where: by a file's name where that tells the expression, the others into empty places in turn. */
export function assign<File extends { name: string }>(files: readonly File[], draft: Draft): Map<Expression, File> {
  const assigned = new Map<Expression, File>();
  const unnamed: File[] = [];
  for (const file of files) {
    const expression = expressionIn(file.name);
    if (expression && !assigned.has(expression)) assigned.set(expression, file);
    else unnamed.push(file);
  }
  const free = (fits: (there: Slot) => boolean) =>
    EXPRESSIONS.filter((expression) => !assigned.has(expression) && fits(slot(draft, expression)));
  const places = [...free((there) => there.state === 'empty'), ...free((there) => there.state === 'base')];
  unnamed.slice(0, places.length).forEach((file, index) => assigned.set(places[index]!, file));
  return assigned;
}

/** The expression that a file's name tells, as "happy", "행복", "01-sad-cat". */
export function expressionIn(fileName: string): Expression | null {
  const name = fileName
    .normalize('NFC')
    .toLowerCase()
    .replace(/\.[^.]*$/, '');
  return EXPRESSIONS.find((expression) => FILE_WORDS[expression].some((word) => name.includes(word))) ?? null;
}

const FILE_WORDS: Record<Expression, readonly string[]> = {
  angry: ['angry', 'anger', '화남', '분노'],
  disgust: ['disgust', '싫음', '혐오'],
  fear: ['fear', 'scared', 'afraid', '무서', '두려', '공포'],
  happy: ['happy', 'happiness', 'joy', '행복', '기쁨', '기쁜'],
  sad: ['sad', '슬픔', '슬픈'],
  surprise: ['surprise', '놀람', '놀란'],
  neutral: ['neutral', '무표정', '중립', '평온'],
};

/** Tags as the server keeps them: lower case, single spaces, each once. */
export function normalTags(tags: readonly string[]): string[] {
  const folded = tags.map((tag) => tag.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean).join(' '));
  return [...new Set(folded)].filter(Boolean);
}

function without(pictures: Draft['pictures'], expression: Expression): Draft['pictures'] {
  const left = { ...pictures };
  delete left[expression];
  return left;
}

function withPicture(draft: Draft, expression: Expression, file: Blob): Draft {
  const picture: Picture = { key: draft.nextKey, file, preview: { state: 'working' } };
  return { ...draft, nextKey: draft.nextKey + 1, pictures: { ...draft.pictures, [expression]: picture } };
}

function withPreview(draft: Draft, at: { expression: Expression; key: number }, seen: Partial<Picture>): Draft {
  const picture = draft.pictures[at.expression];
  if (picture?.key !== at.key) return draft; // another one was chosen, or it was taken away, meanwhile
  return { ...draft, pictures: { ...draft.pictures, [at.expression]: { ...picture, ...seen } } };
}

/** Asks for all previews anew; what could not be read won't be readable with its background either. */
function previewedAgain(draft: Draft): Draft {
  return EXPRESSIONS.reduce((changed, expression) => {
    const picture = draft.pictures[expression];
    const lost = picture?.preview.state === 'refused' && picture.preview.fault !== 'failed';
    return picture && !lost ? withPicture(changed, expression, picture.file) : changed;
  }, draft);
}
