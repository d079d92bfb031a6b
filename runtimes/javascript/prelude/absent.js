// What the sandbox has not, with the reason and what to do instead.
const reasons = {
  child_process: "there are no processes; call a tool or another task",
  cluster: "there are no processes; call a tool or another task",
  worker_threads: "there are no threads; call several tools at once with Promise.all",
  net: "there are no sockets; use fetch",
  tls: "there are no sockets; use fetch",
  dgram: "there are no sockets; use fetch",
  dns: "there are no sockets; use fetch",
  http: "there are no sockets; use fetch",
  https: "there are no sockets; use fetch",
  http2: "there are no sockets; use fetch",
  crypto: "only the global crypto with getRandomValues and randomUUID is there",
  zlib: "it is native code; unpack in a tool or another task",
  os: "nothing of the machine is shown",
  stream: "read and write whole files with graflow:fs",
  readline: "there is no input to read lines of; use the global input",
  vm: "use eval or new Function",
  v8: "the engine is QuickJS",
  inspector: "the engine is QuickJS",
};

// whyAbsent tells why a module can't be imported.
export function whyAbsent(name) {
  const plain = name.replace(/^node:/, "");
  if (Object.hasOwn(reasons, plain.split("/")[0])) return `${name} is not available in the sandbox: ${reasons[plain.split("/")[0]]}`;
  if (/^https?:/.test(name)) return `modules can't be imported from the network: ${name}`;
  return `there is no module ${name}: packages have to be given to the run, and npm is not reachable from here`;
}
