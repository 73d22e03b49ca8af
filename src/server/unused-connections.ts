// unused-connections.ts: connections on which nothing has come yet. Node takes them for busy ones, and would wait for their first request.

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Follows the server's connections; what it returns closes those that no client has used. */
export function followUnused(server: Server): () => void {
  const open = new Set<Socket>();
  const follow = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  server.on('connection', follow);
  // With TLS, the bytes of the handshake are counted on one socket, and those of requests on another.
  server.on('secureConnection', follow);
  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
}
