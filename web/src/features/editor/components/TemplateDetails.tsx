import Box from '@mui/material/Box';
import FormControl from '@mui/material/FormControl';
import FormControlLabel from '@mui/material/FormControlLabel';
import FormLabel from '@mui/material/FormLabel';
import Radio from '@mui/material/Radio';
import RadioGroup from '@mui/material/RadioGroup';
import Typography from '@mui/material/Typography';
import type { Dispatch } from 'react';

import { Field } from '@/components/Field';
import { useMessages } from '@/lib/i18n';

import { editorMessages } from '../messages';
import type { Action, Draft } from '../utils/draft';
import { VISIBILITIES, type Visibility } from '../utils/templateLimits';
import type { DraftErrors } from '../utils/validation';
import { TagsField } from './TagsField';

interface Props {
  draft: Draft;
  dispatch: Dispatch<Action>;
  errors: DraftErrors;
  tried: boolean;
}

/** Fields for name, tags and visibility. */
export function TemplateDetails({ draft, dispatch, errors, tried }: Props) {
  const t = useMessages(editorMessages);
  const nameError = errors.name === 'too_long' || tried ? errors.name : undefined;
  return (
    <Box sx={{ display: 'grid', gap: 2.5 }}>
      <Field
        label={t.name}
        value={draft.name}
        required
        error={Boolean(nameError)}
        helperText={nameError && t[`name_${nameError}`]}
        onChange={(event) => dispatch({ type: 'named', name: event.target.value })}
      />
      <TagsField tags={draft.tags} error={errors.tags} onChange={(tags) => dispatch({ type: 'tagged', tags })} />
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
