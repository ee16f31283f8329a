// Node's ws as its README broadcasts: the first message of a connection is its name.
const { WebSocketServer, WebSocket } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) });

server.on('connection', (socket) => {
  let name;
  socket.on('message', (data) => {
    if (name === undefined) {
      name = data.toString();
      socket.send('ok');
      return;
    }
    const line = `${name}: ${data}`;
    server.clients.forEach((client) => {
      if (client !== socket && client.readyState === WebSocket.OPEN) client.send(line);
    });
  });
});
