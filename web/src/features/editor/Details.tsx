import Autocomplete from '@mui/material/Autocomplete';
import Box from '@mui/material/Box';
import FormControl from '@mui/material/FormControl';
import FormControlLabel from '@mui/material/FormControlLabel';
import FormLabel from '@mui/material/FormLabel';
import Radio from '@mui/material/Radio';
import RadioGroup from '@mui/material/RadioGroup';
import TextField from '@mui/material/TextField';
import Typography from '@mui/material/Typography';
import { useState, type Dispatch } from 'react';

import { useMessages } from '@/app/i18n';

import type { Action, Draft } from './draft';
import { editorMessages } from './messages';
import type { Problems } from './problems';
import { VISIBILITIES, type Visibility } from './template';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  problems: Problems;
  tried: boolean;
}

/** Name, tags, and who sees the set. */
export function Details({ draft, dispatch, problems, tried }: Props) {
  const t = useMessages(editorMessages);
  const nameFault = problems.name === 'too_long' || tried ? problems.name : undefined;
  return (
    <Box sx={{ display: 'grid', gap: 2.5 }}>
      <TextField
        label={t.name}
        value={draft.name}
        required
        error={Boolean(nameFault)}
        helperText={nameFault && t[`name_${nameFault}`]}
        onChange={(event) => dispatch({ type: 'named', name: event.target.value })}
      />
      <Tags tags={draft.tags} fault={problems.tags} onChange={(tags) => dispatch({ type: 'tagged', tags })} />
      <FormControl>
        <FormLabel id="who-sees" color="secondary">
          {t.whoSees}
        </FormLabel>
        <RadioGroup
          aria-labelledby="who-sees"
          value={draft.visibility}
          onChange={(_, value) => dispatch({ type: 'shown', visibility: value as Visibility })}
        >
          {VISIBILITIES.map((visibility) => (
            <FormControlLabel
              key={visibility}
              value={visibility}
              control={<Radio color="secondary" />}
              sx={{ alignItems: 'start', my: 0.5 }}
              label={
                <Box sx={{ pt: 1 }}>
                  {t[`visibility_${visibility}`]}
                  <Typography variant="body2" color="textSecondary">
                    {t[`visibility_${visibility}Hint`]}
                  </Typography>
                </Box>
              }
            />
          ))}
        </RadioGroup>
      </FormControl>
    </Box>
  );
}

interface TagsProps {
  tags: string[];
  fault: Problems['tags'];
  onChange: (tags: string[]) => void;
}

/** A word becomes a tag with Enter, with a comma, and when one goes on elsewhere. */
function Tags({ tags, fault, onChange }: TagsProps) {
  const t = useMessages(editorMessages);
  const [typed, setTyped] = useState('');
  const type = (text: string) => {
    const [last = '', ...before] = text.split(/[,，]/).reverse();
    if (before.length > 0) onChange([...tags, ...before.reverse()]);
    setTyped(last);
  };
  return (
    <Autocomplete
      multiple
      freeSolo
      options={[]}
      value={tags}
      inputValue={typed}
      onInputChange={(_, text) => type(text)}
      onChange={(_, value) => onChange(value)}
      onBlur={() => {
        if (typed.trim()) onChange([...tags, typed]);
        setTyped('');
      }}
      renderInput={(parameters) => (
        <TextField
          {...parameters}
          label={t.tags}
          error={Boolean(fault)}
          helperText={fault ? t[`tags_${fault}`] : t.tagsHint}
        />
      )}
    />
  );
}
