// NULL: the transfer succeeded. One that failed has no bytes and no duration.
export const failedTransfers = `
  ALTER TABLE transfer ADD COLUMN error_code TEXT;
`;
