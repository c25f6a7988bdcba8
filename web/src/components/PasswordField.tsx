import IconButton from '@mui/material/IconButton';
import InputAdornment from '@mui/material/InputAdornment';
import { useState } from 'react';

import { defineMessages, useMessages } from '@/lib/i18n';

import { Field, type FieldProps } from './Field';
import { EyeIcon, EyeOffIcon } from './icons';

const messages = defineMessages({
  en: { show: 'Show the password', hide: 'Hide the password' },
  ko: { show: '비밀번호 보기', hide: '비밀번호 숨기기' },
});

/** Password field with a button that shows the password. */
export function PasswordField(props: Omit<FieldProps, 'type' | 'endAdornment'>) {
  const t = useMessages(messages);
  const [shown, setShown] = useState(false);
  const label = shown ? t.hide : t.show;
  const button = (
    <InputAdornment position="end">
      <IconButton aria-label={label} edge="end" onClick={() => setShown(!shown)}>
        {shown ? <EyeOffIcon /> : <EyeIcon />}
      </IconButton>
    </InputAdornment>
  );
  return <Field {...props} type={shown ? 'text' : 'password'} endAdornment={button} />;
}
