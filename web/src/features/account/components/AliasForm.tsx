import Alert from '@mui/material/Alert';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import { useState } from 'react';

import { useUpdateMeMutation } from '@/lib/api/accounts';
import { problemOf } from '@/lib/api/apiErrors';
import type { User } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';

import { UniqueField } from './UniqueField';
import { messages } from '../messages';
import { aliasFault } from '../utils/validation';

/** The name that others see. */
export function AliasForm({ user }: { user: User }) {
  const t = useMessages(messages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const [update, { isLoading, error, reset }] = useUpdateMeMutation();
  const [alias, setAlias] = useState(user.alias);
  const taken = error !== undefined && problemOf(error).reason === 'ALIAS_TAKEN';

  async function save() {
    if (aliasFault(alias)) return;
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
      {error && !taken && <Alert severity="error">{explain(error)}</Alert>}
      <UniqueField
        kind="alias"
        value={alias}
        own={user.alias}
        onChange={(value) => {
          if (error) reset();
          setAlias(value);
        }}
        fault={taken ? t.aliasTaken : null}
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
