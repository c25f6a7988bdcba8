import { useState } from 'react';

import { Field, type FieldProps } from '@/components/Field';
import { useMessages } from '@/lib/i18n';

import { useLazyCheckAvailabilityQuery } from '../api/account';
import { messages } from '../messages';
import { validateAlias, validateEmail } from '../utils/validation';

interface Props extends Omit<FieldProps, 'label' | 'onChange' | 'value' | 'error'> {
  kind: 'email' | 'alias';
  value: string;
  onChange: (value: string) => void;
  /** Error found by the server or the form. */
  errorText?: string | null;
  /** The account's current value: it counts as available. */
  currentValue?: string;
}

const VALIDATORS = { email: validateEmail, alias: validateAlias };

/** Field for an e-mail address or an alias that must be available, which is checked when the field loses focus. */
export function UniqueField({ kind, value, onChange, errorText, currentValue, helperText, ...others }: Props) {
  const t = useMessages(messages);
  const [checkAvailability] = useLazyCheckAvailabilityQuery();
  const [checked, setChecked] = useState<{ value: string; available: boolean } | null>(null);
  const [blurred, setBlurred] = useState(false);

  const invalid = VALIDATORS[kind](value);
  const available = checked?.value === value ? checked.available : null;
  const taken = kind === 'email' ? t.emailTaken : t.aliasTaken;
  const error = errorText ?? (available === false ? taken : blurred && value && invalid ? t[invalid] : null);

  async function check() {
    setBlurred(true);
    if (invalid || value === currentValue) return;
    const { data } = await checkAvailability({ case: kind, value }, true);
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
      error={Boolean(error)}
      helperText={
        <span aria-live="polite">{error ?? (available && value !== currentValue ? t.free : helperText)}</span>
      }
    />
  );
}
