import FormControl from '@mui/material/FormControl';
import FormHelperText from '@mui/material/FormHelperText';
import InputLabel from '@mui/material/InputLabel';
import OutlinedInput, { type OutlinedInputProps } from '@mui/material/OutlinedInput';
import { useId, type ReactNode } from 'react';

export interface FieldProps extends Omit<OutlinedInputProps, 'label' | 'id' | 'notched'> {
  label: string;
  /** Below it. */
  helperText?: ReactNode;
}

/** A text field. MUI's own is the same, and loads menus and animations for a select that it might be. */
export function Field({ label, helperText, error = false, required = false, sx, ...input }: FieldProps) {
  const id = useId();
  const help = `${id}-help`;
  return (
    <FormControl fullWidth error={error} required={required} {...(sx && { sx })}>
      <InputLabel htmlFor={id}>{label}</InputLabel>
      <OutlinedInput id={id} label={label} {...(helperText && { 'aria-describedby': help })} {...input} />
      {helperText && <FormHelperText id={help}>{helperText}</FormHelperText>}
    </FormControl>
  );
}
