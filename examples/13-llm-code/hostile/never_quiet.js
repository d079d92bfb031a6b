// Timers and microtasks that beget others: the loop is never quiet
function again() {
  setTimeout(again, 0);
  Promise.resolve().then(() => {
    setTimeout(again, 0);
  });
}
setInterval(() => {}, 0);
again();
console.log("spinning");
await new Promise(() => {});
