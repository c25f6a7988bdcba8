import FormControl from '@mui/material/FormControl';
import FormHelperText from '@mui/material/FormHelperText';
import InputLabel from '@mui/material/InputLabel';
import OutlinedInput, { type OutlinedInputProps } from '@mui/material/OutlinedInput';
import { useId, type ReactNode } from 'react';

export interface FieldProps extends Omit<OutlinedInputProps, 'label' | 'id' | 'notched'> {
  label: string;
  /** Below the field. */
  helperText?: ReactNode;
}

/** Text field. MUI's `TextField` would also load the menus and animations of its select variant. */
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
