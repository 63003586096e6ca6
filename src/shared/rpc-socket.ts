/** What the page and the lab agree on about the WebSocket between them, beside the contract. */

/** At this path of the lab. */
export const RPC_PATH = '/api/rpc';

/**
 * What a browser can send with an upgrade is a list of subprotocols, of which the server takes one: ours. Beside it stands
 * `bearer.` with the token; others may send the Authorization header.
 */
export const RPC_PROTOCOL = 'routelab';
export const RPC_BEARER = 'bearer.';

/** Close code of a lab that wants another token: of an upgrade that is refused a browser tells its page nothing. */
export const RPC_UNAUTHORIZED = 4401;
