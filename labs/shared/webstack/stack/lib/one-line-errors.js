// An error ends a program that is called once with its message alone: its caller prints it, and a stack says nothing to its
// reader.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});
