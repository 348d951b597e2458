// The service of chapter 3: says hello world, and who said it.
const os = require("os");
const express = require("express");

const app = express();
app.get("/", (_request, response) => {
  response.set("X-Served-By", os.hostname());
  response.type("text/plain").send("hello world\n");
});
app.listen(3000, () => console.log(`hello world on port 3000, container ${os.hostname()}`));

// A container's first process gets no default handlers: without this, every stop would take ten seconds.
process.on("SIGTERM", () => process.exit(0));
