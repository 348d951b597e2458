// A terminal on a machine. It is loaded when the first one is opened.

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

// xterm.js styles itself by elements that it makes; the page's policy lets in those that carry its nonce.
const nonce = document.querySelector("meta[name=nonce]").content;
const create = document.createElement.bind(document);
document.createElement = (name, options) => {
  const made = create(name, options);
  if (name === "style") made.nonce = nonce;
  return made;
};
document.head.append(Object.assign(create("link"), { rel: "stylesheet", href: "xterm.css" }));

const REASONS = { 4401: "this link is not, or no longer, one of this console", 4403: "this link is to look only", 4404: "there is no such machine any more", 4429: "too many terminals are open: close one" };

/** The colours of the page around the terminal, as they are computed for light or dark. */
function theme(host) {
  const { backgroundColor, color } = getComputedStyle(host);
  return { background: backgroundColor, foreground: color, cursor: color, selectionBackground: "#5b7fb580" };
}

/** Opens a terminal on `node` in `host`. Enter after its end calls `ended`. */
export function openTerminal(host, token, node, ended) {
  const terminal = new Terminal({ fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", fontSize: 14, cursorBlink: false, scrollback: 5000, theme: theme(host), screenReaderMode: matchMedia("(forced-colors: active)").matches });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(host);
  fit.fit();
  const socket = new WebSocket(`ws://${location.host}/terminal`);
  socket.binaryType = "arraybuffer";
  const size = () => ({ rows: terminal.rows, cols: terminal.cols });
  const bytes = new TextEncoder();
  let over = false;
  const end = (text) => {
    if (over) return;
    over = true;
    terminal.write(`\r\n\x1b[2m${text}; Enter closes it\x1b[0m\r\n`);
  };
  socket.onopen = () => socket.send(JSON.stringify({ token, node, ...size() }));
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") end(`the shell has ended (exit code ${JSON.parse(data).ended})`);
    else terminal.write(new Uint8Array(data));
  };
  socket.onclose = ({ code }) => end(REASONS[code] || "the connection has ended");
  terminal.onData((keys) => {
    if (over) {
      if (keys === "\r") ended();
    } else socket.send(bytes.encode(keys));
  });
  terminal.onBinary((keys) => over || socket.send(Uint8Array.from(keys, (key) => key.charCodeAt(0))));
  terminal.onResize(() => socket.readyState === WebSocket.OPEN && !over && socket.send(JSON.stringify(size())));
  const watching = new ResizeObserver(() => host.clientWidth && fit.fit());
  watching.observe(host);
  return {
    focus: () => {
      terminal.options.theme = theme(host);
      terminal.focus();
    },
    close: () => {
      watching.disconnect();
      socket.close();
      terminal.dispose();
    },
  };
}
