import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import IconButton from '@mui/material/IconButton';
import InputAdornment from '@mui/material/InputAdornment';
import { useEffect, useState } from 'react';

import { Field } from '@/components/Field';
import { CloseIcon, HeartFilledIcon, HeartIcon, SearchIcon } from '@/components/icons';
import { SelectField } from '@/components/SelectField';
import { selectUser } from '@/lib/api/session';
import { useMessages } from '@/lib/i18n';
import { useAppSelector } from '@/lib/store';

import { galleryMessages } from '../messages';
import { SORTS, type GalleryQuery } from '../utils/galleryQuery';

const DEBOUNCE_MS = 300;

interface Props {
  query: GalleryQuery;
  /** Tags that can be chosen. */
  tags: string[];
  onChange: (to: Partial<GalleryQuery>) => void;
}

/** Search, sort order and filters of the gallery. */
export function GalleryFilters({ query, tags, onChange }: Props) {
  const t = useMessages(galleryMessages);
  const user = useAppSelector(selectUser);
  return (
    <Box sx={{ display: 'grid', gap: 1.5, mb: 2.5 }}>
      <Box sx={{ display: 'grid', gap: 1.5, gridTemplateColumns: { sm: '1fr 200px' } }}>
        <SearchField value={query.q} onSearch={(q) => onChange({ q })} />
        <SelectField
          label={t.sort}
          value={query.sort}
          options={SORTS.map((sort) => ({ value: sort, label: t[`sort_${sort}`] }))}
          onChange={(sort) => onChange({ sort })}
        />
      </Box>
      <Box
        role="group"
        aria-label={t.tagsHere}
        sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, '&:empty': { display: 'none' } }}
      >
        {user && (
          <Chip
            clickable
            aria-pressed={query.favoritesOnly}
            icon={query.favoritesOnly ? <HeartFilledIcon /> : <HeartIcon />}
            label={t.myFavorites}
            color={query.favoritesOnly ? 'primary' : 'default'}
            variant={query.favoritesOnly ? 'filled' : 'outlined'}
            onClick={() => onChange({ favoritesOnly: !query.favoritesOnly })}
          />
        )}
        {query.tag && (
          <Chip
            clickable
            aria-label={t.anyTag(query.tag)}
            color="primary"
            label={`#${query.tag}`}
            deleteIcon={<CloseIcon />}
            onClick={() => onChange({ tag: '' })}
            onDelete={() => onChange({ tag: '' })}
          />
        )}
        {tags
          .filter((tag) => tag !== query.tag)
          .map((tag) => (
            <Chip key={tag} variant="outlined" label={`#${tag}`} onClick={() => onChange({ tag })} />
          ))}
      </Box>
    </Box>
  );
}

/** Search field that waits for a pause in typing (debounce). */
function SearchField({ value, onSearch }: { value: string; onSearch: (words: string) => void }) {
  const t = useMessages(galleryMessages);
  const [text, setText] = useState(value);
  const [lastValue, setLastValue] = useState(value);
  if (value !== lastValue) {
    setLastValue(value); // changed from outside: back button, or filters cleared
    if (value !== text.trim()) setText(value);
  }
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onSearch(text.trim()), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);
  return (
    <Field
      type="search"
      label={t.search}
      placeholder={t.searchHint}
      value={text}
      onChange={(event) => setText(event.target.value)}
      inputProps={{ maxLength: 50, enterKeyHint: 'search' }}
      slotProps={{ root: { sx: { 'input::-webkit-search-cancel-button': { display: 'none' } } } }}
      startAdornment={
        <InputAdornment position="start">
          <SearchIcon />
        </InputAdornment>
      }
      endAdornment={
        text && (
          <InputAdornment position="end">
            <IconButton edge="end" aria-label={t.clearSearch} onClick={() => setText('')}>
              <CloseIcon fontSize="small" />
            </IconButton>
          </InputAdornment>
        )
      }
    />
  );
}
