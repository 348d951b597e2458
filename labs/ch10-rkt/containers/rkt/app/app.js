// hello world, as an image of the App Container specification: the process that answers tells its number.
const express = require("express");

const app = express();
app.get("/", (_request, response) => {
  response.set("X-Process", String(process.pid));
  response.type("text/plain").send("hello world\n");
});
app.get("/exit/:code", (request, response) => {
  response.type("text/plain").send("bye\n");
  response.on("finish", () => process.exit(Number(request.params.code)));
});
const port = Number(process.env.PORT || 3000);
app.listen(port, () => console.log(`hello world on port ${port}, process ${process.pid}`));
process.on("SIGTERM", () => process.exit(0));
