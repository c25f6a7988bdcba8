import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useState } from 'react';

import { toApiError } from '@/lib/api/apiErrors';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { User } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { useUpdateMeMutation } from '../api/account';
import { messages } from '../messages';
import { validateAlias } from '../utils/validation';
import { UniqueField } from './UniqueField';

/** Form for the alias, the name that others see. */
export function AliasForm({ user }: { user: User }) {
  const t = useMessages(messages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const [update, { isLoading, error, reset }] = useUpdateMeMutation();
  const [alias, setAlias] = useState(user.alias);
  const taken = error !== undefined && toApiError(error).reason === 'ALIAS_TAKEN';

  async function save() {
    if (validateAlias(alias)) return;
    const { error } = await update({ body: { alias } });
    if (!error) dispatch(notified(t.aliasSaved));
  }

  return (
    <Box
      component="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      sx={{ display: 'grid', gap: 2 }}
    >
      {error && !taken && <Alert severity="error">{errorMessage(error)}</Alert>}
      <UniqueField
        kind="alias"
        value={alias}
        currentValue={user.alias}
        onChange={(value) => {
          if (error) reset();
          setAlias(value);
        }}
        errorText={taken ? t.aliasTaken : null}
        helperText={t.aliasHint}
      />
      <Button
        type="submit"
        variant="contained"
        loading={isLoading}
        disabled={alias === user.alias}
        sx={{ justifySelf: 'start' }}
      >
        {t.saveAlias}
      </Button>
    </Box>
  );
}
