/** Requests that save a draft. */

import type { Args } from '@/lib/api/contract';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import { changedFields, type Template } from '../utils/changes';
import type { Draft } from '../utils/draft';
import { base64 } from '../utils/resizePicture';

type Images = Partial<Record<Expression, string>>;

export async function createRequest(draft: Draft): Promise<Args<'CreateEmoji'>> {
  return {
    body: {
      name: draft.name.trim(),
      tags: draft.tags,
      visibility: draft.visibility,
      keep_background: draft.keepBackground,
      images: await images(draft),
      ...(draft.base && { base_id: draft.base.id }),
    },
  };
}

/** Return the changes of a draft; the etag makes the server refuse them if the template was changed since. */
export async function updateRequest(draft: Draft, original: Template): Promise<Args<'UpdateEmoji'>> {
  const fields = changedFields(draft, original);
  return {
    id: original.id,
    body: {
      etag: original.etag,
      keep_background: draft.keepBackground,
      images: await images(draft),
      ...(fields.includes('name') && { name: draft.name.trim() }),
      // An empty list means "unchanged" unless the mask names the field.
      ...(fields.includes('tags') && { tags: draft.tags, update_mask: 'tags' }),
      ...(fields.includes('visibility') && { visibility: draft.visibility }),
    },
  };
}

async function images(draft: Draft): Promise<Images> {
  const given = EXPRESSIONS.flatMap((expression) => {
    const picture = draft.pictures[expression];
    return picture ? [base64(picture.file).then((text) => [expression, text] as const)] : [];
  });
  return Object.fromEntries(await Promise.all(given));
}
