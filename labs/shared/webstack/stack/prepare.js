// prepare.js ADDRESS: initialises a Couchbase that has just started as a store of its own, as chapter 6 uses it.
import { Admin } from "./lib/admin-couchbase.js";
import { Etcd } from "./lib/etcd.js";
import { exitOnSignals, log } from "./lib/program.js";
import { readConfig } from "./lib/store-config.js";
import { pause } from "./lib/wait.js";

const REPLICAS = 1;
const RETRY = 1000; // milliseconds

exitOnSignals();
const { config } = await readConfig(new Etcd());
const admin = new Admin(process.argv[2], config.password);
for (;;) {
  try {
    if (!(await admin.pool())) await admin.initialise(config.ram);
    if (!(await admin.hasBucket(config.bucket))) await admin.createBucket(config.ram, REPLICAS, config.bucket);
    break;
  } catch (error) {
    log(error.message); // Couchbase may still be starting
    await pause(RETRY);
  }
}
