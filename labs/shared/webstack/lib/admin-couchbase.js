// Couchbase's administration over REST, as its documentation describes it: on port 8091 of each member, as Administrator.
const PORT = 8091;
const PATIENCE = 10_000; // milliseconds
const USER = "Administrator";
export const BUCKET = "default";

/** The header with which every request is made. */
export function credentials(password = process.env.STORE_PASSWORD || "Password1") {
  return `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`;
}

export class Admin {
  constructor(address, password, port = PORT) {
    this.port = port;
    this.address = address;
    this.password = password;
  }

  /** What is so: undefined where the member belongs to no cluster yet. */
  async pool() {
    const answer = await this.#ask("GET", "/pools/default");
    return answer.status === 404 ? undefined : this.#json(answer);
  }

  async hasBucket(name = BUCKET) {
    return (await this.#ask("GET", `/pools/default/buckets/${name}`)).status === 200;
  }

  /** Makes a cluster of this one member: data, index and query, `ram` MB. */
  initialise(ram) {
    const services = "kv,index,n1ql";
    return this.#done("/clusterInit", { services, memoryQuota: ram, username: USER, password: this.password, port: "SAME" });
  }

  createBucket(ram, replicas, name = BUCKET) {
    return this.#done("/pools/default/buckets", { name, bucketType: "couchbase", ramQuota: ram, replicaNumber: replicas });
  }

  async failoverAfter() {
    const { enabled, timeout } = await this.#json(await this.#ask("GET", "/settings/autoFailover"));
    return enabled ? timeout : undefined;
  }

  setFailoverAfter(timeout) {
    return this.#done("/settings/autoFailover", { enabled: true, timeout });
  }

  addMember(address) {
    const services = "kv,index,n1ql";
    return this.#done("/controller/addNode", { hostname: address, user: USER, password: this.password, services });
  }

  failOver(otpNode) {
    return this.#done("/controller/failOver", { otpNode, allowUnsafe: "false" });
  }

  /** Gives each of `known` its share, and lets `ejected` go. */
  rebalance(known, ejected) {
    return this.#done("/controller/rebalance", { knownNodes: known.join(","), ejectedNodes: ejected.join(",") });
  }

  async #done(path, values) {
    const answer = await this.#ask("POST", path, new URLSearchParams(values));
    if (!answer.ok) throw new Error(`${this.address}: ${path}: HTTP ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
    await answer.text();
  }

  async #json(answer) {
    if (!answer.ok) throw new Error(`${this.address}: HTTP ${answer.status}`);
    return answer.json();
  }

  #ask(method, path, body) {
    const headers = { authorization: credentials(this.password) };
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(`http://${this.address}:${this.port}${path}`, { method, headers, body, signal });
  }
}

/** Whether members are there, and none of them belongs to a cluster. */
export async function isForming(addresses) {
  const told = await Promise.allSettled(addresses.map((address) => new Admin(address).pool()));
  const answered = told.filter(({ status }) => status === "fulfilled");
  return answered.length > 0 && answered.every(({ value }) => value === undefined);
}
