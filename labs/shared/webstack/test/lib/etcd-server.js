// A server that keeps keys in memory as etcd does, as far as compare-and-swap, creation and removal of single keys go.
import { createServer } from "node:http";
import { Etcd } from "../../stack/lib/etcd.js";

/**
 * Starts a server for one test: `etcd`, a client of it; its `keys`; `isSilent`, with which it stops answering; `locks`, which
 * are released at the end of the test.
 */
export async function etcdServer(t) {
  const server = { keys: new Map(), isSilent: false, locks: [] };
  const http = createServer(async (request, response) => {
    const url = new URL(request.url, "http://etcd");
    let body = "";
    for await (const part of request) body += part;
    if (server.isSilent) return;
    const [status, answer] = act(server.keys, request.method, url, new URLSearchParams(body));
    response.writeHead(status, { "x-etcd-index": "1" }).end(JSON.stringify(answer));
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.isSilent = false;
    for (const lock of server.locks) await lock.release();
    http.closeAllConnections();
    http.close();
  });
  server.url = `http://127.0.0.1:${http.address().port}`;
  server.etcd = new Etcd(server.url);
  return server;
}

function act(keys, method, url, form) {
  const key = url.pathname.replace("/v2/keys", "");
  const nodes = [...keys].filter(([name]) => name.startsWith(`${key}/`)).map(([name, value]) => ({ key: name, value }));
  if (method === "GET" && nodes.length) return [200, { node: { dir: true, nodes } }];
  if (method === "GET") return keys.has(key) ? [200, { node: { key, value: keys.get(key) } }] : [404, { errorCode: 100 }];
  const demanded = form.get("prevValue") ?? url.searchParams.get("prevValue");
  if (demanded !== null && !keys.has(key)) return [404, { errorCode: 100 }];
  if (demanded !== null && keys.get(key) !== demanded) return [412, { errorCode: 101 }];
  if (form.get("prevExist") === "false" && keys.has(key)) return [412, { errorCode: 105 }];
  if (method === "PUT") keys.set(key, form.get("value"));
  else keys.delete(key);
  return [200, { node: { key } }];
}
