import { useState } from 'react';

import { useLazyCheckAvailabilityQuery } from '@/lib/api/accounts';
import { useMessages } from '@/lib/i18n';
import { Field, type FieldProps } from '@/components/Field';

import { messages } from '../messages';
import { aliasFault, emailFault } from '../utils/validation';

interface Props extends Omit<FieldProps, 'label' | 'onChange' | 'value' | 'error'> {
  kind: 'email' | 'alias';
  value: string;
  onChange: (value: string) => void;
  /** What the server or the form found wrong with it. */
  fault?: string | null;
  /** A value that is the account's own: not taken, whatever the server says. */
  own?: string;
}

const FAULTS = { email: emailFault, alias: aliasFault };

/** An e-mail address or a name that must be free. Whether it is, is asked when one leaves the field. */
export function UniqueField({ kind, value, onChange, fault, own, helperText, ...others }: Props) {
  const t = useMessages(messages);
  const [ask] = useLazyCheckAvailabilityQuery();
  const [checked, setChecked] = useState<{ value: string; available: boolean } | null>(null);
  const [left, setLeft] = useState(false);

  const invalid = FAULTS[kind](value);
  const known = checked?.value === value ? checked.available : null;
  const taken = kind === 'email' ? t.emailTaken : t.aliasTaken;
  const wrong = fault ?? (known === false ? taken : left && value && invalid ? t[invalid] : null);

  async function check() {
    setLeft(true);
    if (invalid || value === own) return;
    const { data } = await ask({ case: kind, value }, true);
    if (data) setChecked({ value, available: data.available });
  }

  return (
    <Field
      {...others}
      label={kind === 'email' ? t.email : t.alias}
      type={kind === 'email' ? 'email' : 'text'}
      autoComplete={kind === 'email' ? 'email' : 'nickname'}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onBlur={() => void check()}
      error={Boolean(wrong)}
      helperText={<span aria-live="polite">{wrong ?? (known && value !== own ? t.free : helperText)}</span>}
    />
  );
}
