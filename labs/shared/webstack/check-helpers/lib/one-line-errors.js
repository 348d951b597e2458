// An error ends a check's helper with its message alone: the check prints it, and a stack says nothing to its reader.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});
