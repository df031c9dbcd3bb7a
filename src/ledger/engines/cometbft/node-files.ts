import type { Genesis } from '../../genesis.ts';
import { ed25519Signer } from '../../node-signer.ts';
import { validatorAddress, type Validator } from '../../verify/block.ts';
import { concatBytes, toHex } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { appState } from './abci-application.ts';

/** The files that a CometBFT 0.38 node reads, as text. Binary values in them are base64, 64-bit integers are strings. */

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const addressOf = (key: Uint8Array, crypto: Crypto): string => toHex(validatorAddress(key, crypto)).toUpperCase();
const publicKey = (key: Uint8Array) => ({ type: 'tendermint/PubKeyEd25519', value: base64(key) });
/** Go's form of a private key: the seed, then the public key. */
const privateKey = (seed: Uint8Array) => ({ type: 'tendermint/PrivKeyEd25519', value: base64(concatBytes(seed, ed25519Signer(seed).key[1])) });

/** priv_validator_key.json, of a 32-byte seed. */
export function validatorKeyJson(seed: Uint8Array, crypto: Crypto): string {
  const [, key] = ed25519Signer(seed).key;
  return json({ address: addressOf(key, crypto), pub_key: publicKey(key), priv_key: privateKey(seed) });
}

/** priv_validator_state.json of one that has signed nothing yet. */
export const unsignedStateJson = json({ height: '0', round: 0, step: 0 });

/** node_key.json: who the node is to its peers. */
export const nodeKeyJson = (seed: Uint8Array): string => json({ priv_key: privateKey(seed) });

/** As peers are named in `persistent_peers`: `<id>@<host>:<port>`. */
export const nodeId = (seed: Uint8Array, crypto: Crypto): string => toHex(validatorAddress(ed25519Signer(seed).key[1], crypto));

/**
 * genesis.json: the chain's own genesis is in its app_state. Block size and gas are those that `consensusHash` of verify/block.ts stands for.
 * `initialHeight`: 1, or that of a handover.
 */
export function genesisJson(genesis: Genesis, initialHeight: number, crypto: Crypto): string {
  const dayNs = 86_400n * 1_000_000_000n;
  return json({
    genesis_time: new Date(genesis.time * 1000).toISOString(),
    chain_id: genesis.chain,
    initial_height: String(initialHeight),
    consensus_params: {
      block: { max_bytes: '4194304', max_gas: '-1' },
      // As long as a light client may trust a set of validators: who lied to it can be named for that long.
      evidence: { max_age_num_blocks: '100000', max_age_duration: String(30n * dayNs), max_bytes: '1048576' },
      validator: { pub_key_types: ['ed25519'] },
      version: { app: '1' },
      abci: { vote_extensions_enable_height: '0' },
    },
    validators: genesis.validators.map(({ key, power }: Validator) => ({
      address: addressOf(key, crypto),
      pub_key: publicKey(key),
      power: String(power),
      name: '',
    })),
    app_hash: '',
    app_state: appState(genesis),
  });
}

export interface NodeConfig {
  moniker: string;
  /** `unix://<path>` or `tcp://<host>:<port>`; a relative path is from where the node is started. */
  proxyApp: string;
  /** `<host>:<port>`. */
  rpc: string;
  p2p: string;
  /** `<id>@<host>:<port>`. */
  peers: readonly string[];
  heartbeatMs: number;
  /** Peers share one host, as in a test network. */
  oneHost: boolean;
  /** Join by a snapshot that peers have, instead of by every block; null: by every block. */
  stateSync: StateSync | null;
}

/** Where the node's own light client begins, and whom it asks: two nodes at least. */
export interface StateSync {
  /** `http://<host>:<port>`. */
  rpc: readonly string[];
  /** Of a block whose hash was learnt in another way than from those nodes. */
  height: number;
  hash: Uint8Array;
  /** As the kiosks' trusting period. */
  trustingPeriodMs: number;
}

/**
 * config.toml; what is not named has CometBFT's default. The timeouts are those that were measured on a LAN with four validators: with the usual
 * 3 s for a proposal one dead validator costs seconds, and 100 ms of gossip and flushing are most of a block's time. An empty block comes only
 * after a heartbeat; where the app hash changed, CometBFT makes the one that proves it by itself.
 */
export function configToml({ moniker, proxyApp, rpc, p2p, peers, heartbeatMs, oneHost, stateSync }: NodeConfig): string {
  return `proxy_app = "${proxyApp}"
moniker = "${moniker}"
db_backend = "goleveldb"
log_level = "rpc-server:info,*:error"

[rpc]
laddr = "tcp://${rpc}"

[p2p]
laddr = "tcp://${p2p}"
persistent_peers = "${peers.join(',')}"
addr_book_strict = ${!oneHost}
allow_duplicate_ip = ${oneHost}
pex = ${!oneHost}
flush_throttle_timeout = "10ms"

[mempool]
# Of 0.38 and 0.39, "app" ends the node over a socket.
type = "flood"
max_tx_bytes = 65536
size = 10000

[consensus]
timeout_propose = "400ms"
timeout_propose_delta = "200ms"
timeout_prevote = "200ms"
timeout_prevote_delta = "200ms"
timeout_precommit = "200ms"
timeout_precommit_delta = "200ms"
timeout_commit = "50ms"
create_empty_blocks = false
create_empty_blocks_interval = "${heartbeatMs}ms"
peer_gossip_sleep_duration = "10ms"

[tx_index]
indexer = "null"
${stateSync === null ? '' : stateSyncToml(stateSync)}`;
}

const stateSyncToml = ({ rpc, height, hash, trustingPeriodMs }: StateSync): string => `
[statesync]
enable = true
rpc_servers = "${rpc.join(',')}"
trust_height = ${height}
trust_hash = "${toHex(hash)}"
trust_period = "${trustingPeriodMs}ms"
discovery_time = "5s"
`;
