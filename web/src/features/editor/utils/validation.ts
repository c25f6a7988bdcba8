/** What still keeps a draft from being saved. */

import { type Draft, slot } from './draft';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';
import { length, MAX_NAME_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from './templateLimits';

export interface Problems {
  name?: 'missing' | 'too_long';
  tags?: 'too_many' | 'too_long';
  /** Expressions without a picture, or with one that can't be taken. */
  pictures: Expression[];
  /** Some previews have not come yet. */
  working: boolean;
}

export function problems(draft: Draft): Problems {
  const name = draft.name.trim();
  const found: Problems = {
    pictures: EXPRESSIONS.filter((expression) => ['empty', 'refused'].includes(slot(draft, expression).state)),
    working: EXPRESSIONS.some((expression) => slot(draft, expression).state === 'working'),
  };
  if (!name) found.name = 'missing';
  else if (length(name) > MAX_NAME_LENGTH) found.name = 'too_long';
  if (draft.tags.length > MAX_TAGS) found.tags = 'too_many';
  else if (draft.tags.some((tag) => length(tag) > MAX_TAG_LENGTH)) found.tags = 'too_long';
  return found;
}

export function canBeSaved(found: Problems): boolean {
  return !found.name && !found.tags && found.pictures.length === 0 && !found.working;
}
