// Node socket.io: clients join one room, GET /emit emits to it.
const http = require("http");
const { Server } = require("socket.io");

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/emit") return;
  const text = "x".repeat(Number(url.searchParams.get("size")));
  let left = Number(url.searchParams.get("count"));
  const next = () => {
    if (left-- === 0) return response.end("ok");
    io.to("room").emit("event", text);
    setImmediate(next);
  };
  next();
});
const io = new Server(server, { pingInterval: 3600000 });
io.on("connection", (socket) => socket.join("room"));
server.listen(Number(process.argv[2]), "127.0.0.1");
