// The service of chapter 3: answers hello world, with the container's name in a header.
const os = require("os");
const express = require("express");

const app = express();
app.get("/", (_request, response) => {
  response.set("X-Served-By", os.hostname());
  response.type("text/plain").send("hello world\n");
});
app.listen(3000, () => console.log(`hello world on port 3000, container ${os.hostname()}`));

// The kernel ignores SIGTERM for a container's first process unless it has a handler: without this, a stop takes ten seconds.
process.on("SIGTERM", () => process.exit(0));
