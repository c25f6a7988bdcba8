/** Validation of a draft before it is saved. */

import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import { slot, type Draft } from './draft';
import { length, MAX_NAME_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from './templateLimits';

export interface DraftErrors {
  name?: 'missing' | 'too_long';
  tags?: 'too_many' | 'too_long';
  /** Expressions without a usable picture. */
  pictures: Expression[];
  /** Some previews are still loading. */
  working: boolean;
}

export function validateDraft(draft: Draft): DraftErrors {
  const name = draft.name.trim();
  const errors: DraftErrors = {
    pictures: EXPRESSIONS.filter((expression) => ['empty', 'refused'].includes(slot(draft, expression).state)),
    working: EXPRESSIONS.some((expression) => slot(draft, expression).state === 'working'),
  };
  if (!name) errors.name = 'missing';
  else if (length(name) > MAX_NAME_LENGTH) errors.name = 'too_long';
  if (draft.tags.length > MAX_TAGS) errors.tags = 'too_many';
  else if (draft.tags.some((tag) => length(tag) > MAX_TAG_LENGTH)) errors.tags = 'too_long';
  return errors;
}

export function isValid(errors: DraftErrors): boolean {
  return !errors.name && !errors.tags && errors.pictures.length === 0 && !errors.working;
}
