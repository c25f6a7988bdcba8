/** Changes of an edit, and rebasing them onto a template that was changed in the meantime. */

import type { Emoji } from '@/lib/api/schema';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';
import { isWorldReadable } from '@/lib/visibility';

import type { Draft } from './draft';
import { VISIBILITIES, type Visibility } from './templateLimits';

/** The template as the server has it. */
export interface Template {
  id: string;
  name: string;
  tags: string[];
  visibility: Visibility;
  images: Record<Expression, string>;
  etag: string;
  worldReadable: boolean;
}

/** Return the editable part of a template; null if its pictures are missing. */
export function templateOf(emoji: Emoji): Template | null {
  const { id, name, tags, images, etag } = emoji;
  const visibility = VISIBILITIES.find((known) => known === emoji.visibility);
  return images && visibility
    ? { id, name, tags, visibility, images, etag, worldReadable: isWorldReadable(emoji) }
    : null;
}

export type Field = 'name' | 'tags' | 'visibility' | Expression;

export interface Rebased {
  draft: Draft;
  /** Fields that others changed since the edit began. */
  theirs: Field[];
  /** Fields of `theirs` that the draft changes too: saving would replace their values. */
  both: Field[];
}

export function draftOf(template: Template): Draft {
  return {
    name: template.name,
    tags: template.tags,
    visibility: template.visibility,
    keepBackground: false,
    base: { id: template.id, name: template.name, images: template.images, worldReadable: template.worldReadable },
    pictures: {},
    nextKey: 1,
  };
}

/** Return the fields that the draft changes in the template it began with. */
export function changedFields(draft: Draft, original: Template): Field[] {
  const fields: Field[] = [];
  if (draft.name.trim() !== original.name) fields.push('name');
  if (!sameTags(draft.tags, original.tags)) fields.push('tags');
  if (draft.visibility !== original.visibility) fields.push('visibility');
  return [...fields, ...EXPRESSIONS.filter((expression) => draft.pictures[expression])];
}

/** Apply the changes of a draft to the current template. */
export function rebase(draft: Draft, original: Template, current: Template): Rebased {
  const mine = changedFields(draft, original);
  const theirs = changedBetween(original, current);
  return {
    draft: {
      ...draftOf(current),
      ...(mine.includes('name') && { name: draft.name }),
      ...(mine.includes('tags') && { tags: draft.tags }),
      ...(mine.includes('visibility') && { visibility: draft.visibility }),
      keepBackground: draft.keepBackground,
      pictures: draft.pictures,
      nextKey: draft.nextKey,
    },
    theirs,
    both: theirs.filter((field) => mine.includes(field) && !agree(field, draft, current)),
  };
}

function changedBetween(before: Template, after: Template): Field[] {
  const fields: Field[] = [];
  if (before.name !== after.name) fields.push('name');
  if (!sameTags(before.tags, after.tags)) fields.push('tags');
  if (before.visibility !== after.visibility) fields.push('visibility');
  return [...fields, ...EXPRESSIONS.filter((expression) => before.images[expression] !== after.images[expression])];
}

/** Return whether both sides made the same change. */
function agree(field: Field, draft: Draft, current: Template): boolean {
  if (field === 'name') return draft.name.trim() === current.name;
  if (field === 'tags') return sameTags(draft.tags, current.tags);
  return field === 'visibility' && draft.visibility === current.visibility;
}

function sameTags(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((tag, index) => tag === other[index]);
}
