import Chip from '@mui/material/Chip';
import { useState, type KeyboardEvent } from 'react';

import { Field } from '@/components/Field';
import { CloseIcon } from '@/components/icons';
import { useMessages } from '@/lib/i18n';

import { editorMessages } from '../messages';
import type { DraftErrors } from '../utils/validation';

interface Props {
  tags: string[];
  error: DraftErrors['tags'];
  onChange: (tags: string[]) => void;
}

/** Text field for tags. Enter, a comma or leaving the field adds a tag; Backspace removes the last one. */
export function TagsField({ tags, error, onChange }: Props) {
  const t = useMessages(editorMessages);
  const [typed, setTyped] = useState('');
  const onType = (text: string) => {
    const [last = '', ...before] = text.split(/[,，]/).reverse();
    if (before.length > 0) onChange([...tags, ...before.reverse()]);
    setTyped(last);
  };
  const addTyped = () => {
    if (typed.trim()) onChange([...tags, typed]);
    setTyped('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return; // Enter only completes the syllable
    if (event.key === 'Enter' && typed.trim()) {
      event.preventDefault();
      addTyped();
    } else if (event.key === 'Backspace' && typed === '') {
      onChange(tags.slice(0, -1));
    }
  };
  return (
    <Field
      label={t.tags}
      value={typed}
      error={Boolean(error)}
      helperText={error ? t[`tags_${error}`] : t.tagsHint}
      onChange={(event) => onType(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={addTyped}
      slotProps={{
        root: { sx: tags.length > 0 ? rootWithTags : null },
        input: { sx: { width: 'auto', flex: '1 1 90px' } },
      }}
      startAdornment={
        tags.length > 0 &&
        tags.map((tag) => (
          <Chip
            key={tag}
            label={tag}
            aria-label={t.removeTag(tag)}
            deleteIcon={<CloseIcon />}
            onDelete={() => onChange(tags.filter((other) => other !== tag))}
          />
        ))
      }
    />
  );
}

const rootWithTags = { flexWrap: 'wrap', gap: 0.75, py: 1, '& .MuiOutlinedInput-input': { py: 0.75, px: 0 } };
