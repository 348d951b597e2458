// prepare.js ADDRESS: makes a Couchbase that has just been started a store by itself, as chapter 6 has it.
import { Admin } from "./lib/admin-couchbase.js";
import { endOnTerm, log } from "./lib/program.js";

const RAM = 500; // MB
const REPLICAS = 1;
const AGAIN = 1000; // milliseconds

endOnTerm();
const admin = new Admin(process.argv[2], process.env.STORE_PASSWORD || "Password1");
for (;;) {
  try {
    if (!(await admin.pool())) await admin.initialise(RAM);
    if (!(await admin.hasBucket())) await admin.createBucket(RAM, REPLICAS);
    break;
  } catch (error) {
    log(error.message); // it may still be starting
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}
