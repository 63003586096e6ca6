/** The roots that QUIC trusts as the system's, for TLS over TCP to trust the same. */
export { systemRoots } from '../tls/trust-anchors.ts';
