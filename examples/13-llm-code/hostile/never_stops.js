// Swallow everything that could end it
console.log("started");
while (true) {
  try {
    for (;;) {
      try {
        throw new Error("again");
      } catch {
        continue;
      }
    }
  } catch {
  } finally {
    continue;
  }
}
