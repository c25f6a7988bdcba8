/** Draft of a template: the user's input, separate from the template that it is based on. Pure functions. */

import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import type { Visibility } from './templateLimits';

/** A picture that the user chose, and its preview: the picture as the server would store it. */
export interface Picture {
  /** Changes with the picture and the background option, so that an outdated preview is recognized. */
  key: number;
  /** The chosen file; once the preview is ready, the file to send. */
  file: Blob;
  preview: { state: 'working' } | { state: 'ready'; url: string } | { state: 'refused'; reason: PictureErrorReason };
}

export type PictureErrorReason = 'unreadable' | 'too_large' | 'refused' | 'failed';

/** The template whose pictures fill the slots without a chosen picture. */
export interface BaseTemplate {
  id: string;
  name: string;
  images: Record<Expression, string>;
  /** Its pictures can be loaded without the access token. */
  worldReadable: boolean;
}

export interface Draft {
  name: string;
  tags: string[];
  visibility: Visibility;
  keepBackground: boolean;
  base: BaseTemplate | null;
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
  | { state: 'base'; url: string; worldReadable: boolean }
  | { state: 'working' }
  | { state: 'ready'; url: string }
  | { state: 'refused'; reason: PictureErrorReason };

export type Action =
  | { type: 'named'; name: string }
  | { type: 'tagged'; tags: string[] }
  | { type: 'shown'; visibility: Visibility }
  | { type: 'backgroundKept'; keep: boolean }
  | { type: 'based'; base: BaseTemplate | null }
  | { type: 'chosen'; expression: Expression; file: Blob }
  | { type: 'retried'; expression: Expression }
  | { type: 'previewed'; expression: Expression; key: number; url: string; file: Blob }
  | { type: 'refused'; expression: Expression; key: number; reason: PictureErrorReason }
  | { type: 'removed'; expression: Expression }
  | { type: 'replaced'; draft: Draft };

export function reduce(draft: Draft, action: Action): Draft {
  switch (action.type) {
    case 'named':
      return { ...draft, name: action.name };
    case 'tagged':
      return { ...draft, tags: normalizeTags(action.tags) };
    case 'shown':
      return { ...draft, visibility: action.visibility };
    case 'backgroundKept':
      return withNewPreviews({ ...draft, keepBackground: action.keep });
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
      return withPreview(draft, action, { preview: { state: 'refused', reason: action.reason } });
    case 'removed':
      return { ...draft, pictures: without(draft.pictures, action.expression) };
    case 'replaced':
      return action.draft;
  }
}

/** Return what the slot of an expression shows. */
export function slot(draft: Draft, expression: Expression): Slot {
  const picture = draft.pictures[expression];
  if (picture) return picture.preview;
  const { base } = draft;
  return base ? { state: 'base', url: base.images[expression], worldReadable: base.worldReadable } : { state: 'empty' };
}

/** Assign files to expressions: by name where it contains an expression, the others to the free slots in order. */
export function assignFiles<File extends { name: string }>(
  files: readonly File[],
  draft: Draft,
): Map<Expression, File> {
  const assigned = new Map<Expression, File>();
  const unnamed: File[] = [];
  for (const file of files) {
    const expression = expressionOfFileName(file.name);
    if (expression && !assigned.has(expression)) assigned.set(expression, file);
    else unnamed.push(file);
  }
  const free = (matches: (current: Slot) => boolean) =>
    EXPRESSIONS.filter((expression) => !assigned.has(expression) && matches(slot(draft, expression)));
  const freeSlots = [...free((current) => current.state === 'empty'), ...free((current) => current.state === 'base')];
  unnamed.slice(0, freeSlots.length).forEach((file, index) => assigned.set(freeSlots[index]!, file));
  return assigned;
}

/** Return the expression in the name of a file, such as "happy", "행복", "01-sad-cat". */
export function expressionOfFileName(fileName: string): Expression | null {
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

/** Normalize tags as the server does: lower case, single spaces, no duplicates. */
export function normalizeTags(tags: readonly string[]): string[] {
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
  if (picture?.key !== at.key) return draft; // the picture was replaced or removed in the meantime
  return { ...draft, pictures: { ...draft.pictures, [at.expression]: { ...picture, ...seen } } };
}

/** Request all previews again. A picture that could not be read before is left out: the background does not matter. */
function withNewPreviews(draft: Draft): Draft {
  return EXPRESSIONS.reduce((changed, expression) => {
    const picture = draft.pictures[expression];
    const unusable = picture?.preview.state === 'refused' && picture.preview.reason !== 'failed';
    return picture && !unusable ? withPicture(changed, expression, picture.file) : changed;
  }, draft);
}
