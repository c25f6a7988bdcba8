/** What an edit changes in a template, and what becomes of it where somebody changed the template meanwhile. */

import type { Emoji } from '@/lib/api/schema';
import { isForAll } from '@/components/EmojiPicture';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import type { Draft } from './draft';
import { VISIBILITIES, type Visibility } from './templateLimits';

/** A template as the server has it. */
export interface Template {
  id: string;
  name: string;
  tags: string[];
  visibility: Visibility;
  images: Record<Expression, string>;
  etag: string;
  forAll: boolean;
}

/** The part of a template that can be edited; null where its maker's pictures did not come with it. */
export function templateOf(emoji: Emoji): Template | null {
  const { id, name, tags, images, etag } = emoji;
  const visibility = VISIBILITIES.find((known) => known === emoji.visibility);
  return images && visibility ? { id, name, tags, visibility, images, etag, forAll: isForAll(emoji) } : null;
}

export type Field = 'name' | 'tags' | 'visibility' | Expression;

export interface Rebased {
  draft: Draft;
  /** What is different in the template now, from what it was when the edit began. */
  theirs: Field[];
  /** What of that the draft changes too: the draft's would replace theirs. */
  both: Field[];
}

export function draftOf(template: Template): Draft {
  return {
    name: template.name,
    tags: template.tags,
    visibility: template.visibility,
    keepBackground: false,
    base: { id: template.id, name: template.name, images: template.images, forAll: template.forAll },
    pictures: {},
    nextKey: 1,
  };
}

/** What the draft changes in the template that it began with. */
export function changedFields(draft: Draft, original: Template): Field[] {
  const fields: Field[] = [];
  if (draft.name.trim() !== original.name) fields.push('name');
  if (!sameTags(draft.tags, original.tags)) fields.push('tags');
  if (draft.visibility !== original.visibility) fields.push('visibility');
  return [...fields, ...EXPRESSIONS.filter((expression) => draft.pictures[expression])];
}

/** The draft's changes made to the template as it is now: what it does not change is as in the present one. */
export function rebase(draft: Draft, original: Template, present: Template): Rebased {
  const mine = changedFields(draft, original);
  const theirs = changedBetween(original, present);
  return {
    draft: {
      ...draftOf(present),
      ...(mine.includes('name') && { name: draft.name }),
      ...(mine.includes('tags') && { tags: draft.tags }),
      ...(mine.includes('visibility') && { visibility: draft.visibility }),
      keepBackground: draft.keepBackground,
      pictures: draft.pictures,
      nextKey: draft.nextKey,
    },
    theirs,
    both: theirs.filter((field) => mine.includes(field) && !agree(field, draft, present)),
  };
}

function changedBetween(before: Template, after: Template): Field[] {
  const fields: Field[] = [];
  if (before.name !== after.name) fields.push('name');
  if (!sameTags(before.tags, after.tags)) fields.push('tags');
  if (before.visibility !== after.visibility) fields.push('visibility');
  return [...fields, ...EXPRESSIONS.filter((expression) => before.images[expression] !== after.images[expression])];
}

/** Whether both made the same change. */
function agree(field: Field, draft: Draft, present: Template): boolean {
  if (field === 'name') return draft.name.trim() === present.name;
  if (field === 'tags') return sameTags(draft.tags, present.tags);
  return field === 'visibility' && draft.visibility === present.visibility;
}

function sameTags(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((tag, index) => tag === other[index]);
}
