// The conductors: what the conductor program needs to know about each kind of store. Each is a class with these methods:
//
//   observe(members)  asks the announced members, [{ name, address }], for their state
//   decide(state)     the next decision, as conduct-redis-plan.js describes it; null when the store is as it should be
//   act(step, requireLock)  carries out a decision that has an `action`; throws when the store refuses, and whenever
//                           requireLock() throws: this conductor has lost its lock
//
// and with `unusedSettings`: the keys of the configuration that this kind of store ignores. A conductor is constructed with the
// configuration that store-config.js describes, and `failover` in milliseconds. It remembers nothing else, so it does not
// matter where the conductor before it was stopped.
import { CouchbaseConductor } from "./conduct-couchbase.js";
import { RedisConductor } from "./conduct-redis.js";

export const CONDUCTORS = { redis: RedisConductor, couchbase: CouchbaseConductor };
