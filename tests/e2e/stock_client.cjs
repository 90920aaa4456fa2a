// The stock npm client, as somebody would use it in an afternoon: joins, joins again after a reconnect, sends.
//
//     NODE_PATH=web/node_modules node stock_client.cjs URL SESSION polling,websocket
//
// Tells what happens as JSON lines; takes `send TEXT` lines.

const readline = require("node:readline");
const { io } = require("socket.io-client");

const [url, sessionId, transports] = process.argv.slice(2);
const socket = io(url, { transports: transports.split(","), reconnectionDelay: 100, reconnectionDelayMax: 300 });
let last;
let epoch;

const tell = (what, data) => console.log(JSON.stringify({ what, ...data }));

function take(event) {
  if (event.seq !== last + 1) {
    tell("wrong", { seq: event.seq, last });
    return;
  }
  last = event.seq;
  tell("event", { seq: event.seq, type: event.type, data: event.data });
}

function join() {
  socket.emit("join_session", { sessionId, ...(last !== undefined && { after: last, epoch }) }, (ack) => {
    if (!ack.ok) {
      tell("refused", ack.error);
      return;
    }
    epoch = ack.epoch;
    if (ack.snapshot) last = ack.snapshot.head;
    tell("joined", { recovered: ack.recovered, last, transport: socket.io.engine.transport.name });
    ack.events.forEach(take);
    if (ack.hasMore) join();
  });
}

// The upgrade may be over before the server has answered the connect.
const watchEngine = () => socket.io.engine.on("upgrade", (transport) => tell("upgraded", { transport: transport.name }));
socket.io.on("open", watchEngine);
socket.on("connect", join);
socket.on("event", take);
socket.on("goodbye", (goodbye) => tell("goodbye", goodbye));
socket.on("disconnect", (reason) => tell("disconnected", { reason }));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  socket.emit("send_message", { sessionId, content: line.slice("send ".length) }, (ack) => tell("sent", { ack }));
});
