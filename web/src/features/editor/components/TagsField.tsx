import Chip from '@mui/material/Chip';
import { useState, type KeyboardEvent } from 'react';

import { useMessages } from '@/lib/i18n';
import { Field } from '@/components/Field';
import { CloseIcon } from '@/components/icons';

import { editorMessages } from '../messages';
import type { Problems } from '../utils/validation';

interface Props {
  tags: string[];
  fault: Problems['tags'];
  onChange: (tags: string[]) => void;
}

/** A word becomes a tag with Enter, with a comma, and when one goes on elsewhere; Backspace takes the last one away. */
export function TagsField({ tags, fault, onChange }: Props) {
  const t = useMessages(editorMessages);
  const [typed, setTyped] = useState('');
  const type = (text: string) => {
    const [last = '', ...before] = text.split(/[,，]/).reverse();
    if (before.length > 0) onChange([...tags, ...before.reverse()]);
    setTyped(last);
  };
  const finish = () => {
    if (typed.trim()) onChange([...tags, typed]);
    setTyped('');
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return; // Enter ends a syllable first
    if (event.key === 'Enter' && typed.trim()) {
      event.preventDefault();
      finish();
    } else if (event.key === 'Backspace' && typed === '') {
      onChange(tags.slice(0, -1));
    }
  };
  return (
    <Field
      label={t.tags}
      value={typed}
      error={Boolean(fault)}
      helperText={fault ? t[`tags_${fault}`] : t.tagsHint}
      onChange={(event) => type(event.target.value)}
      onKeyDown={press}
      onBlur={finish}
      slotProps={{ root: { sx: tags.length > 0 ? room : null }, input: { sx: { width: 'auto', flex: '1 1 90px' } } }}
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

const room = { flexWrap: 'wrap', gap: 0.75, py: 1, '& .MuiOutlinedInput-input': { py: 0.75, px: 0 } };
