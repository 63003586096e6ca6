// What the connection was for: 'ping' or 'transfer'. NULL: of a time when that was not kept.
export const handshakePurpose = `
  ALTER TABLE handshake ADD COLUMN purpose TEXT;
`;
