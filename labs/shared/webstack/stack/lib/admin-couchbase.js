// Couchbase's administration over REST, as its documentation describes it: on port 8091 of each member, as Administrator.
// Not tried.
const PORT = 8091;
const PATIENCE = 10_000; // milliseconds
const USER = "Administrator";

/** The value of the Authorization header of every request. */
export function credentials(password) {
  return `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`;
}

export class Admin {
  constructor(address, password, port = PORT) {
    this.port = port;
    this.address = address;
    this.password = password;
  }

  /** The cluster as this member sees it; undefined when the member belongs to no cluster yet. */
  async pool() {
    const answer = await this.#request("GET", "/pools/default");
    return answer.status === 404 ? undefined : this.#json(answer);
  }

  async hasBucket(name) {
    return (await this.#request("GET", `/pools/default/buckets/${name}`)).status === 200;
  }

  /** Creates a cluster of this one member, with the data, index and query services and `ram` MB of memory. */
  initialise(ram) {
    const services = "kv,index,n1ql";
    return this.#post("/clusterInit", { services, memoryQuota: ram, username: USER, password: this.password, port: "SAME" });
  }

  createBucket(ram, replicas, name) {
    return this.#post("/pools/default/buckets", { name, bucketType: "couchbase", ramQuota: ram, replicaNumber: replicas });
  }

  async failoverAfter() {
    const { enabled, timeout } = await this.#json(await this.#request("GET", "/settings/autoFailover"));
    return enabled ? timeout : undefined;
  }

  setFailoverAfter(timeout) {
    return this.#post("/settings/autoFailover", { enabled: true, timeout });
  }

  addMember(address) {
    const services = "kv,index,n1ql";
    return this.#post("/controller/addNode", { hostname: address, user: USER, password: this.password, services });
  }

  /** `otpNode` is Couchbase's own name of a node. */
  failOver(otpNode) {
    return this.#post("/controller/failOver", { otpNode, allowUnsafe: "false" });
  }

  /** Spreads the data over `nodes` and removes the `ejected` ones. */
  rebalance(nodes, ejected) {
    return this.#post("/controller/rebalance", { knownNodes: nodes.join(","), ejectedNodes: ejected.join(",") });
  }

  async #post(path, values) {
    const answer = await this.#request("POST", path, new URLSearchParams(values));
    if (!answer.ok) throw new Error(`${this.address}: ${path}: HTTP ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
    await answer.text();
  }

  async #json(answer) {
    if (!answer.ok) throw new Error(`${this.address}: HTTP ${answer.status}`);
    return answer.json();
  }

  #request(method, path, body) {
    const headers = { authorization: credentials(this.password) };
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(`http://${this.address}:${this.port}${path}`, { method, headers, body, signal });
  }
}

/** Whether any member answers and none of those that do belongs to a cluster. */
export async function isForming(addresses, password) {
  const pools = await Promise.allSettled(addresses.map((address) => new Admin(address, password).pool()));
  const answered = pools.filter(({ status }) => status === "fulfilled");
  return answered.length > 0 && answered.every(({ value }) => value === undefined);
}
